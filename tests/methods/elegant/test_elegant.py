"""ELEGANT small: its exchange of blocks."""

from __future__ import annotations

import pytest
import torch
from tiny_elegant import ATTRIBUTES, COUNT, SIDE, TINY, smooth_images, training

from bridgebench import methods
from bridgebench.methods.contract import run_contract
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.elegant.editor import Elegant
from bridgebench.methods.elegant.networks import attribute_of_channel
from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_images()


@pytest.fixture(scope="module")
def editor() -> Elegant:
    """Weights far larger than the initial ones, so that an exchanged block shows."""
    torch.manual_seed(0)
    editor = Elegant(attributes=ATTRIBUTES, image_size=SIDE, width=4, blocks=3).eval()
    with torch.no_grad():
        for parameter in editor.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return editor


def test_the_contract(editor):
    missed = [f"{result.name}: {result.detail}" for result in run_contract(editor) if not result.passed]
    assert [each for each in missed if "null edit" not in each] == []


def test_an_edit_takes_the_blocks_whose_labels_differ(editor, data):
    images, reference, source = data.images[:4], data.images[4:8], data.labels[:4]
    target = source.clone()
    target[:, 1] = 1 - target[:, 1]
    with torch.no_grad():
        own, skips = editor.encoder(images)
        other, _ = editor.encoder(reference)
        mixed = own.clone()
        mixed[:, 5:11] = other[:, 5:11]  # 16 channels among 3: the borders are rint(5.33) and rint(10.67)
        expected = (images + editor.decoder(mixed, own, skips)).clamp(-1, 1)
    edited = editor.edit(images, target, reference, source_labels=source)
    torch.testing.assert_close(edited, expected)
    same = editor.edit(images, source, reference, source_labels=source)
    assert (edited - same).abs().max() > 1e-3
    assert torch.equal(same, editor.edit(images, target, reference, source_labels=source, strength=0.0))
    assert torch.equal(edited, editor.edit(images, target, reference, source_labels=source, strength=1.0))


def test_labels_of_the_reference_decide_when_none_are_given(editor, data):
    images, reference, source = data.images[:4], data.images[4:8], data.labels[:4]
    editor.attach(classifier=lambda pictures: data.labels[4:8] - 0.5)
    expected = editor.edit(images, data.labels[4:8], reference, source_labels=source)
    assert torch.equal(editor.edit(images, reference=reference, source_labels=source), expected)


def test_blocks_share_all_channels():
    """Halves are rounded to even: 512 / 64 * 3 and the like."""
    assert attribute_of_channel(10, 4) == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert len(attribute_of_channel(512, 13)) == 512


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Elegant(image_size=72), "multiple of 32, not 72"),
        (lambda: Elegant(attributes=[str(i) for i in range(20)], image_size=32, width=2), "shares 16 channels"),
        (lambda: training(batch_size=0), "batch_size = 0 does not fit"),
        (lambda: training(blocs=3), "Did you mean 'blocks'"),
        (
            lambda: methods.start_training("elegant", TINY, ATTRIBUTES, 48, COUNT, 0),
            "multiples of 32 pixels, not at 48",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(("options", "side", "message"), [({"strength": 1.1}, 32, "strength"), ({}, 36, "36x36")])
def test_edits_that_do_not_fit_are_told(editor, options, side, message):
    images, labels = torch.zeros(1, 3, side, side), torch.zeros(1, 3)
    with pytest.raises(UserError, match=message):
        editor.edit(images, labels, images, source_labels=labels, **options)
