"""The square of a photo that is edited, where the eyes come to lie in it, and how it goes back."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, Preparation
from bridgebench.harness.photo.crop import choose_square, find_face, paste_back, square_of
from bridgebench.methods.core.errors import UserError

NOISE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)


def astronaut(scale: float = 1) -> np.ndarray:
    """The face of Eileen Collins, which comes with scikit-image: eyes near (205, 110) and (246, 108)."""
    from skimage.data import astronaut

    photo = Image.fromarray(astronaut())
    return np.asarray(photo.resize((round(512 * scale), round(512 * scale))))


@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_the_eyes_come_to_lie_as_in_celebas_crop(scale: float) -> None:
    found = find_face(astronaut(scale))
    assert found is not None
    middle = (np.array([225, 109]) * scale - [found.left, found.top]) / found.size
    np.testing.assert_allclose(middle, [0.5, 0.5], atol=0.09)
    assert 0.17 < 41 * scale / found.size < 0.29


def test_a_face_at_the_edge_is_cut_within_the_photo() -> None:
    photo = astronaut()[40:230, 130:330]
    found = find_face(photo)
    assert found is not None and found.fits(*photo.shape[:2])


def test_squares_and_aligned_photos_need_no_face() -> None:
    assert choose_square(NOISE[:90, :90], "a", None) == Crop(0, 0, 90)
    assert choose_square(np.zeros((218, 178, 3), np.uint8), "a", None) == CELEBA_BRIDGEGAN


def test_aligned_photos_are_cut_as_the_loader_cuts_them() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    loaded = Preparation(CELEBA_BRIDGEGAN, "legacy_bicubic", 64).apply(photo)
    np.testing.assert_array_equal(square_of(photo, choose_square(photo, "a", None), 64), loaded)


def test_a_crop_is_taken_as_it_is_given() -> None:
    assert choose_square(NOISE, "a", "10, 5,80") == Crop(top=5, left=10, size=80)
    np.testing.assert_array_equal(square_of(NOISE, Crop(5, 10, 80), 80), NOISE[5:85, 10:90])


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (None, r"No face was found in a\.jpg; give --crop x,y,size.*120x90"),
        ("face", "No face was found"),
        ("1,2", "write three whole numbers"),
        ("a,b,c", "write three whole numbers"),
        ("0,0,91", "does not lie within a.jpg, which has 120x90"),
        ("-1,0,20", "does not lie within"),
        ("0,0,0", "does not lie within"),
    ],
)
def test_what_does_not_fit_is_told(wanted: str | None, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        choose_square(NOISE, "a.jpg", wanted)


def test_what_the_edit_leaves_alone_keeps_the_photos_detail() -> None:
    crop = Crop(10, 20, 64)
    before = square_of(NOISE, crop, 32)
    np.testing.assert_array_equal(paste_back(NOISE, crop, before, before), NOISE)


def test_the_edit_is_added_within_the_square_and_fades_at_its_border() -> None:
    grey, crop = np.full((90, 120, 3), 100, np.uint8), Crop(10, 20, 64)
    before = square_of(grey, crop, 32)
    found = paste_back(grey, crop, before, before + np.uint8(40))
    assert (found[30:55, 40:65] == 140).all()
    outside = np.ones((90, 120), bool)
    outside[10:74, 20:84] = False
    assert (found[outside] == 100).all()
    assert (np.diff(found[40, 20:40, 0].astype(int)) >= 0).all() and found[40, 20, 0] < 110
    assert grey[40, 50, 0] == 100


def test_photos_of_other_sizes_start_no_face_finder() -> None:
    code = "import sys, bridgebench.harness.photo.crop; sys.exit('skimage' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
