"""A picture edited by all methods side by side: the edits are those of the methods themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridgebench.eval.judges.classifier import to_float
from bridgebench.harness.data.pixels import to_uint8
from bridgebench.harness.photo.crop import crop_of, find_place
from bridgebench.harness.photo.studio import Studio
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.weights.find import find_weights
from bridgebench.methods import load
from bridgebench.methods.core.errors import UserError


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(load_profile("faces64"))


def test_an_edit_is_the_methods_own_and_the_true_edit_is_the_drawings(studio: Studio) -> None:
    source = studio.drawn(3)
    target = source.labels.copy()
    column = studio.space.index("Smiling")
    target[column] = 1 - target[column]
    found = {one.title: one for one in studio.edits(source, target)}
    editor = load("stargan", find_weights("stargan", studio.profile))
    own = editor.edit(to_float(source.pixels[None]), torch.from_numpy(target)[None].float())
    np.testing.assert_array_equal(found["StarGAN"].pixels, to_uint8(own)[0])
    truth = found["True edit"].pixels
    assert truth is not None
    assert (truth != source.pixels).any()
    assert "Smiling" in found["True edit"].words


def test_a_method_without_the_mode_says_so(studio: Studio) -> None:
    source, reference = studio.drawn(0), studio.drawn(1)
    found = {one.title: one for one in studio.edits(source, reference.labels, reference, mix=0.5)}
    assert found["StarGAN"].pixels is None
    assert found["StarGAN"].words == "has no edit by reference"
    assert found["BridgeGAN"].pixels is not None


def test_a_photo_is_cut_by_its_eyes_and_what_hinders_is_told(studio: Studio) -> None:
    """The same square as `bridgebench edit` cuts; these networks know drawn faces only, which is said."""
    from skimage.data import astronaut

    photo = astronaut()[:260, 60:390]
    picture = studio.photo(photo, "the photo")
    place = find_place(photo, "the photo", studio.profile)
    np.testing.assert_array_equal(picture.pixels, place.cut(crop_of(studio.profile), 64))
    assert any("looks like a photo" in remark for remark in picture.remarks)
    assert studio.first(3).number == 3


def test_attributes_that_exclude_each_other_are_refused(studio: Studio) -> None:
    with pytest.raises(UserError, match="excludes another"):
        studio.target(studio.drawn(0), ["Black_Hair", "Blond_Hair"])
