"""References and latent vectors: fair, of the right value, and each independent of all others."""

from __future__ import annotations

import numpy as np
import torch

from harness.draws import draw_noise, draw_references, seed_of

IDS = [f"face-{i}" for i in range(300)]
LABELS = np.random.default_rng(3).integers(0, 2, (300, 2)).astype(np.uint8)


def test_a_reference_has_the_flipped_value() -> None:
    found = draw_references(0, IDS, LABELS, 1, range(300))
    assert found is not None
    assert (LABELS[found, 1] == 1 - LABELS[:, 1]).all()


def test_a_draw_depends_on_no_other_image_nor_on_the_order() -> None:
    everyone = draw_references(0, IDS, LABELS, 0, range(300))
    some = draw_references(0, IDS, LABELS, 0, [200, 7, 30])
    assert everyone is not None and some is not None
    assert some.tolist() == everyone[[200, 7, 30]].tolist()
    noise = draw_noise(0, IDS, 8)
    assert torch.equal(draw_noise(0, [IDS[200], IDS[7]], 8), noise[[200, 7]])


def test_draws_differ_by_seed_attribute_and_draw() -> None:
    base = draw_references(0, IDS, LABELS, 0, range(300))
    for other in (
        draw_references(1, IDS, LABELS, 0, range(300)),
        draw_references(0, IDS, LABELS, 0, range(300), draw=1),
    ):
        assert base is not None and other is not None
        assert (base != other).mean() > 0.9
    assert not torch.equal(draw_noise(0, IDS[:2], 8), draw_noise(0, IDS[:2], 8, draw=1))


def test_references_are_drawn_evenly_and_noise_is_standard_normal() -> None:
    labels = np.array([[0]] * 5000 + [[1]] * 10, dtype=np.uint8)
    ids = [str(i) for i in range(5010)]
    found = draw_references(0, ids, labels, 0, range(5000))
    counts = np.bincount(np.asarray(found) - 5000, minlength=10)
    assert counts.sum() == 5000
    assert (abs(counts - 500) < 5 * np.sqrt(500 * 0.9)).all()
    noise = draw_noise(0, ids[:2000], 16)
    assert abs(float(noise.mean())) < 0.03 and abs(float(noise.std()) - 1) < 0.03


def test_no_reference_where_all_images_agree() -> None:
    assert draw_references(0, IDS, np.ones((300, 1), dtype=np.uint8), 0, range(3)) is None


def test_seeds_are_stable_across_processes_and_versions() -> None:
    # sha256 of '["noise", 0, "a", 1]', its first eight bytes, halved
    assert seed_of("noise", 0, "a", 1) == int("d328c416d71aea15", 16) >> 1
