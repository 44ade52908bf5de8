"""HomoGAN small: its groups and its edits."""

from __future__ import annotations

import pytest
import torch
from tiny_homogan import ATTRIBUTES, SIDE, smooth_images, training
from torch import Tensor

from bridgebench.methods.contract import run_contract
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.homogan.editor import OFFICIAL_GROUPS, HomoGAN, default_groups
from bridgebench.methods.homogan.networks import Interpolator, denormalize, normalize
from bridgebench.methods.training.base import Batch

GROUPS = (("Mouth_Slightly_Open", "Smiling"), ("Male",), ("Bangs",))


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_images()


@pytest.fixture(scope="module")
def editor() -> HomoGAN:
    """Weights far larger than the initial ones, so that an edit shows."""
    torch.manual_seed(0)
    editor = HomoGAN(attributes=ATTRIBUTES, image_size=SIDE, width=4, levels=2).eval()
    with torch.no_grad():
        for parameter in editor.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return editor


def test_the_contract(editor):
    missed = [f"{result.name}: {result.detail}" for result in run_contract(editor) if not result.passed]
    assert [each for each in missed if "null edit" not in each] == []


def test_groups():
    sizes = [len(group) for group in default_groups(CELEBA14)]
    assert sizes == [2, 5, 4, 2, 1]
    assert default_groups([name for group in OFFICIAL_GROUPS for name in group]) == OFFICIAL_GROUPS
    assert default_groups(["Eyeglasses", "Young", "Bald"]) == (("Bald",), ("Young",), ("Eyeglasses",))
    assert HomoGAN(attributes=ATTRIBUTES, image_size=SIDE, width=2, levels=2).groups == GROUPS


def test_an_attribute_moves_with_its_group(editor, data):
    images, reference, source = data.images[:4], data.images[4:8], data.labels[:4]

    def edited(*columns: int, **options: float) -> Tensor:
        target = source.clone()
        target[:, columns] = 1 - target[:, columns]
        return editor.edit(images, target, reference, source_labels=source, **options)

    with torch.no_grad():
        own, other = (editor.encoder(normalize(pictures))[-1] for pictures in (images, reference))
        moved = own + 1.5 * editor.interpolator.branch[0](other - own)
        expected = denormalize(editor.decoder(moved)).clamp(-1, 1)
        rebuilt = denormalize(editor.decoder(own)).clamp(-1, 1)
    for columns in ((1,), (3,), (1, 3)):
        torch.testing.assert_close(edited(*columns, strength=1.5), expected, rtol=0, atol=1e-4)
    assert torch.equal(edited(1), edited(1, strength=1.0))
    assert (edited(1) - edited(0)).abs().max() > 1e-3
    torch.testing.assert_close(edited(), rebuilt, rtol=0, atol=1e-4)
    assert torch.equal(edited(1, strength=0.0), edited())


def test_each_image_moves_its_own_groups(editor, data):
    images, reference, source = data.images[:2], data.images[2:4], torch.zeros(2, 4)
    target = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0]])
    both = editor.edit(images, target, reference, source_labels=source)
    for i in (0, 1):
        part = slice(i, i + 1)
        alone = editor.edit(images[part], target[part], reference[part], source_labels=source[part])
        torch.testing.assert_close(both[part], alone, rtol=0, atol=1e-4)


def test_interpolation_starts_at_the_source():
    torch.manual_seed(0)
    interpolator, own, other = Interpolator(3, 4), torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.equal(interpolator(own, other, torch.zeros(2, 4)), own)
    strength = torch.rand(2, 4)
    moved = sum(v[:, None, None, None] * b(other - own) for v, b in zip(strength.T, interpolator.branch, strict=True))
    torch.testing.assert_close(interpolator(own, other, strength), own + moved)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HomoGAN(image_size=72), "multiple of 16, not 72"),
        (lambda: HomoGAN(attributes=ATTRIBUTES, groups=[["Bangs", "Male"]]), "every attribute once"),
        (lambda: HomoGAN(attributes=("Bangs",), groups=[["Bangs"], []]), "every attribute once"),
        (lambda: HomoGAN(attributes=("Bangs",), groups=[["Bangs", "Bangs"]]), "every attribute once"),
        (lambda: training(levels=5), "levels = 5 does not fit"),
        (lambda: training(levels=4), "powers of two from 64 pixels, not at 32"),
        (lambda: training(group=[]), "Did you mean 'groups'"),
        (lambda: training(features="nowhere.pth"), "no checkpoint file nowhere.pth"),
    ],
)
def test_sizes_that_do_not_fit_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(("options", "side", "message"), [({"strength": 2.1}, 32, "strength"), ({}, 34, "34x34")])
def test_edits_that_do_not_fit_are_told(editor, options, side, message):
    images, labels = torch.zeros(1, 3, side, side), torch.zeros(1, 4)
    with pytest.raises(UserError, match=message):
        editor.edit(images, labels, images, source_labels=labels, **options)
