"""Measures that compare images: against numbers worked out by hand."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from bridgebench.eval.measures.accuracy import hits
from bridgebench.eval.measures.counterfactual import BEST_PSNR, edit_mask, l1_where, psnr
from bridgebench.eval.measures.diversity import diversity
from bridgebench.eval.measures.leakage import leakage
from bridgebench.eval.measures.preservation import l1, ssim


def photos(count: int = 3, size: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_l1_is_a_share_of_the_full_range_in_both_directions():
    black, white = np.zeros((2, 32, 32, 3), np.uint8), np.full((2, 32, 32, 3), 255, np.uint8)
    assert l1(black, white).tolist() == l1(white, black).tolist() == [1, 1]
    grey = black.copy()
    grey[1, :16] = 51
    assert l1(grey, black).tolist() == pytest.approx([0, 0.1])


def test_ssim_of_equal_shifted_and_unrelated_images():
    a = photos(66)
    assert ssim(a, a) == pytest.approx(np.ones(66))
    assert np.abs(ssim(a, photos(66, seed=1))).max() < 0.2
    flat = np.full((1, 32, 32, 3), 100, np.uint8)
    expected = (2 * 100 * 150 + 2.55**2) / (100**2 + 150**2 + 2.55**2)  # no variance: the luminance term alone
    assert ssim(flat, flat + 50) == pytest.approx([expected], rel=1e-4)


def test_ssim_equals_torchmetrics():
    a, noise = photos(4, 40), photos(4, 40, seed=1)
    b = (0.7 * a + 0.3 * noise).astype(np.uint8)
    pair = [torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255 for images in (a, b)]
    expected = structural_similarity_index_measure(*pair, data_range=1.0, reduction="none")
    assert ssim(a, b) == pytest.approx(expected.numpy(), abs=1e-5)


def test_ssim_is_the_same_to_the_last_bit_whatever_else_is_in_the_batch():
    a, c = photos(9), photos(9) // 2
    assert np.array_equal(ssim(a, c)[:5], ssim(a[:5], c[:5]))


def test_psnr():
    a = np.full((2, 32, 32, 3), 100, np.uint8)
    b = a.copy()
    b[1] += 10
    assert psnr(a, b) == pytest.approx([BEST_PSNR, 20 * np.log10(255 / 10)])


def test_mask_and_errors_inside_and_outside_it():
    source = np.full((2, 32, 32, 3), 100, np.uint8)
    truth = source.copy()
    truth[0, :8, :, 2] += 50  # a quarter of the first image, one channel
    truth[0, 20, 20] += 4  # too little to see
    mask = edit_mask(source, truth)
    assert mask[0, :8].all() and mask.sum() == 8 * 32
    inside, outside = l1_where(source, truth, mask), l1_where(source, truth, ~mask)
    assert inside[0] == pytest.approx(50 / 3 / 255) and np.isnan(inside[1])
    assert outside == pytest.approx([4 / 255 / (24 * 32), 0])


def test_hits():
    present = np.array([[True, False], [False, True], [True, True]])
    targets = np.array([[1, 1], [0, 1], [0, 0]])
    assert hits(present, targets, 0).tolist() == [True, True, False]
    assert hits(present, targets, 1).tolist() == [False, True, False]


def test_leakage_by_hand():
    """The flip touches the first attribute of the first image, the first two of the second, all of the third."""
    source_labels = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]])
    target_labels = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1]])
    source = np.array([[0.1, 0.9, 0.2], [0.1, 0.9, 0.2], [0.1, 0.9, 0.2]])
    edited = np.array([[0.9, 0.6, 0.3], [0.9, 0.6, 0.3], [0.9, 0.6, 0.3]])
    found = leakage(source, edited, source_labels, target_labels)
    assert found[:2] == pytest.approx([(0.3 + 0.1) / 2, 0.1]) and np.isnan(found[2])
    by_attribute = leakage(source, edited, source_labels, target_labels, axis=0)
    assert np.isnan(by_attribute[0]) and by_attribute[1:] == pytest.approx([0.3, 0.1])


def test_diversity_by_hand():
    """Features of one number: 0, 3 and 9 lie 3, 9 and 6 apart."""
    draws = np.zeros((2, 3, 1), np.float32)
    draws[0, :, 0] = [0, 3, 9]
    assert diversity(draws).tolist() == [6, 0]
    with pytest.raises(ValueError, match="two edits"):
        diversity(draws[:, :1])
