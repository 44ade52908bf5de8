"""BridgeGAN small: how an edit depends on its arguments."""

from __future__ import annotations

import pytest
import torch
from tiny_bridgegan import ATTRIBUTES, COUNT, TINY, smooth_batch, training

from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.editor import Editor
from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_batch()


@pytest.fixture(scope="module")
def editor() -> BridgeGAN:
    return training().editor.eval()


@pytest.fixture(scope="module")
def given(data):
    return {"labels": 1 - data.labels, "source_labels": data.labels, "noise": torch.ones(COUNT, 4) / 2}


def test_strength_scales_the_difference(editor, data, given):
    assert isinstance(editor, Editor)
    default = editor.edit(data.images, **given)
    assert default.shape == data.images.shape
    assert torch.equal(default, editor.edit(data.images, strength=1.5, **given))
    assert not torch.equal(default, editor.edit(data.images, strength=1.0, **given))
    nothing = editor.edit(data.images, strength=0.0, **given)
    same = {**given, "labels": data.labels}
    torch.testing.assert_close(nothing, editor.edit(data.images, **same))


def test_mix_leads_from_the_reference_edit_to_the_label_edit(editor, data, given):
    reference = data.images.flip(0)
    by_reference = editor.edit(data.images, reference=reference, **given)
    assert torch.equal(by_reference, editor.edit(data.images, reference=reference, mix=0.0, **given))
    by_label = editor.edit(data.images, **given)
    torch.testing.assert_close(editor.edit(data.images, reference=reference, mix=1.0, **given), by_label)
    between = editor.edit(data.images, reference=reference, mix=0.5, **given)
    assert (between - by_label).abs().max() > 0
    assert (between - by_reference).abs().max() > 0


def test_noise_comes_from_the_generator_alone(editor, data, given):
    labels = {key: value for key, value in given.items() if key != "noise"}
    once, again, other = (
        editor.edit(data.images, generator=torch.Generator().manual_seed(seed), **labels) for seed in (1, 1, 2)
    )
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    # The reference edit draws nothing.
    state = torch.Generator().manual_seed(1)
    before = state.get_state()
    editor.edit(data.images, reference=data.images.flip(0), generator=state, **labels)
    assert torch.equal(state.get_state(), before)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strength": 3.5}, "strength must lie in"),
        ({"strength": -0.1}, "strength must lie in"),
        ({"mix": 1.5}, "mix must lie in"),
        ({"noise": torch.zeros(COUNT, 5)}, "noise has the shape"),
        ({"mixing": 0.5}, "mixing"),
    ],
)
def test_options_that_do_not_fit_are_told(editor, data, given, options, sentence):
    mix = {"mix": 0.5} if "noise" in options else {}
    with pytest.raises(UserError, match=sentence):
        editor.edit(data.images, reference=data.images, **{**given, **mix, **options})


def test_training_computes_the_same_edits_its_own_way(editor, data, given):
    """Its shortcuts (a label's planes as a bias, resampling within convolutions) change the rounding alone."""
    for reference in (None, data.images.flip(0)):
        slow = editor.eval().edit(data.images, reference=reference, **given)
        quick = editor.train().edit(data.images, reference=reference, **given)
        assert not torch.equal(quick, slow)
        torch.testing.assert_close(quick, slow, rtol=1e-4, atol=1e-4)


def test_config_makes_the_same_network_again(editor, data, given):
    again = BridgeGAN(**editor.config).eval()
    again.load_state_dict(editor.state_dict())
    editor.eval()
    assert torch.equal(again.edit(data.images, **given), editor.edit(data.images, **given))


@pytest.mark.parametrize("size", [64, 96])
def test_other_image_sizes(size):
    sizes = {key: value for key, value in TINY.items() if key in BridgeGAN(image_size=64).config}
    editor = BridgeGAN(attributes=ATTRIBUTES, image_size=size, **sizes)
    labels = torch.eye(3)
    images = torch.rand(3, 3, size, size)
    assert editor.edit(images, labels=labels, source_labels=1 - labels).shape == images.shape
