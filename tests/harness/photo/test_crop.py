"""Which square of a photo is edited: by the eyes, as it is told, or as the loader cuts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, Preparation
from bridgebench.harness.photo.aligned import Square
from bridgebench.harness.photo.crop import crop_of, find_place
from bridgebench.harness.photo.faces import Face, find_faces, largest
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.methods.core.errors import UserError

NOISE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
EYES = np.array([[128.0, 101.0], [172.0, 103.0]])  # of the astronaut, by hand


@pytest.fixture(scope="module")
def photos() -> Profile:
    return load_profile("celeba64")


def astronaut(scale: float = 1) -> np.ndarray:
    """The head and shoulders of Eileen Collins in the photo that comes with scikit-image."""
    from skimage.data import astronaut

    photo = Image.fromarray(astronaut()[:300, 75:375])
    return np.asarray(photo.resize((round(300 * scale), round(300 * scale))))


def turned(degrees: float, scale: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """That photo turned clockwise about its middle, and where its eyes are then."""
    photo = Image.fromarray(astronaut(scale))
    found = photo.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=(90, 120, 110))
    angle, middle = np.radians(degrees), np.array([150, 150]) * scale
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(found), (EYES * scale - middle) @ matrix.T + middle


def error(face: Face, eyes: np.ndarray) -> float:
    """How far the eyes of a face are from the true ones, as a share of their distance."""
    return float(np.hypot(*(face.eyes - eyes).T).max() / np.hypot(*(eyes[1] - eyes[0])))


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (0, 0.5), (15, 2), (-30, 1), (45, 0.7), (-45, 1), (90, 1)])
def test_the_eyes_are_found_however_the_photo_is_turned(degrees: float, scale: float) -> None:
    photo, eyes = turned(degrees, scale)
    faces = find_faces(photo)
    assert faces
    assert error(faces[largest(faces)], eyes) < 0.12


def test_dlib_finds_the_eyes_at_the_same_places() -> None:
    """Its landmarks are the corners of the eyes: an eye is between two of them."""
    dlib = pytest.importorskip("dlib", reason="dlib is not installed (pip install .[identity])")
    from importlib.util import find_spec

    models = find_spec("face_recognition_models")
    assert models is not None and models.submodule_search_locations
    landmarks = Path(models.submodule_search_locations[0]) / "models" / "shape_predictor_5_face_landmarks.dat"
    photo = astronaut()
    (box,) = dlib.get_frontal_face_detector()(photo)
    shape = dlib.shape_predictor(str(landmarks))(photo, box)
    corners = np.array([(shape.part(k).x, shape.part(k).y) for k in range(4)], float)
    faces = find_faces(photo)
    assert error(faces[largest(faces)], np.stack([corners[2:].mean(axis=0), corners[:2].mean(axis=0)])) < 0.12


def test_of_several_faces_the_largest_is_edited_or_the_one_that_is_named(
    photos: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    head = astronaut()[20:220, 50:250]
    canvas = np.full((320, 620, 3), (90, 120, 110), np.uint8)
    canvas[10:210, 10:210] = head
    canvas[20:320, 250:550] = np.asarray(Image.fromarray(head).resize((300, 300)))
    small, large = EYES - [50, 20] + [10, 10], 1.5 * (EYES - [50, 20]) + [250, 20]
    with caplog.at_level("INFO", logger="bridgebench"):
        found = find_place(canvas, "two.png", photos)
    assert found.face is not None and error(found.face, large) < 0.15
    assert "2 faces, numbered from left to right" in caplog.text and "--face N takes another" in caplog.text
    first = find_place(canvas, "two.png", photos, number=1)
    assert first.face is not None and error(first.face, small) < 0.15
    with pytest.raises(UserError, match=r"--face 3: only 2 faces were found in two\.png"):
        find_place(canvas, "two.png", photos, number=3)


def test_a_face_at_the_edge_is_placed_over_it(photos: Profile) -> None:
    photo = astronaut()[60:230, 75:255]
    place = find_place(photo, "a", photos)
    assert place.face is not None and error(place.face, EYES - [75, 60]) < 0.15
    assert place.square(crop_of(photos)).crop is None
    assert place.cut(crop_of(photos), 64).shape == (64, 64, 3)


def test_what_may_hinder_an_edit_is_told(photos: Profile) -> None:
    tiny = astronaut(0.36)
    assert any("face is small" in remark for remark in find_place(tiny, "a", photos).remarks)
    assert find_place(astronaut(), "a", photos).remarks == ()
    drawn = np.full((160, 200, 3), 200, np.uint8)
    drawn[16:144, 36:164] = load_faces("test", 1, 128).images[0]
    remarks = find_place(drawn, "a", photos).remarks
    assert any("looks drawn" in remark for remark in remarks)
    covered = astronaut().copy()
    covered[91:113, 111:146] = covered[93:115, 155:190] = 12
    covered[94:98, 111:190] = 12
    remarks = find_place(covered, "a", photos).remarks
    assert any("covered, as by sunglasses" in remark for remark in remarks)


@pytest.mark.parametrize("photo", ["noise", "coffee"])
def test_where_no_face_is_none_is_found(photo: str) -> None:
    from skimage import data

    assert find_faces(NOISE if photo == "noise" else getattr(data, photo)()[::2, ::2]) == []


def test_a_profile_of_drawn_faces_says_that_this_is_a_photo() -> None:
    place = find_place(astronaut()[:250], "a", load_profile("faces64"))
    assert any("looks like a photo" in remark for remark in place.remarks)


def test_drawings_and_animals_need_no_face() -> None:
    drawn = find_place(NOISE[:90, :90], "a", load_profile("faces64"))
    assert drawn.square(CELEBA_BRIDGEGAN).crop == Crop(0, 0, 90)
    animal = find_place(NOISE, "a", load_profile("animals64"))
    assert animal.square(CELEBA_BRIDGEGAN).crop == Crop(0, 15, 90)


@pytest.mark.parametrize("profile", ["celeba64", "celeba128"])
def test_aligned_photos_are_cut_as_the_loader_cuts_them(profile: str) -> None:
    found = load_profile(profile)
    photo = np.random.default_rng(1).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    loaded = Preparation(crop_of(found), found.data.resize, 64).apply(photo)
    np.testing.assert_array_equal(find_place(photo, "a", found).cut(crop_of(found), 64, found.data.resize), loaded)


def test_a_photo_of_the_aligned_size_that_is_not_aligned_is_aligned(photos: Profile) -> None:
    photo = np.asarray(Image.fromarray(astronaut()[:218, 40:258]).resize((178, 218)))
    place = find_place(photo, "a", photos)
    assert place.face is not None
    assert error(place.face, (EYES - [40, 0]) * [178 / 218, 1]) < 0.15


def test_a_crop_is_taken_as_it_is_given(photos: Profile) -> None:
    place = find_place(NOISE, "a", photos, "10, 5,80")
    assert place.square(crop_of(photos)) == Square.of(Crop(top=5, left=10, size=80))
    np.testing.assert_array_equal(place.cut(crop_of(photos), 80), NOISE[5:85, 10:90])


@pytest.mark.parametrize(
    ("wanted", "number", "sentence"),
    [
        (None, None, r"No face was found in a\.jpg, of 120x90 pixels.*give --crop x,y,size"),
        ("face", None, "No face was found"),
        ("1,2", None, "write three whole numbers"),
        ("a,b,c", None, "write three whole numbers"),
        ("0,0,91", None, "does not lie within a.jpg, which has 120x90"),
        ("-1,0,20", None, "does not lie within"),
        ("0,0,0", None, "does not lie within"),
        ("0,0,20", 2, "leave out --face 2"),
    ],
)
def test_what_does_not_fit_is_told(wanted: str | None, number: int | None, sentence: str, photos: Profile) -> None:
    with pytest.raises(UserError, match=sentence):
        find_place(NOISE, "a.jpg", photos, wanted, number)


def test_a_face_with_too_few_pixels_is_refused(photos: Profile) -> None:
    with pytest.raises(UserError, match=r"No face was found|is too small"):
        find_place(astronaut(0.15), "a.jpg", photos)


def test_finding_a_place_starts_no_scikit_image() -> None:
    code = "import sys, bridgebench.harness.photo.crop; sys.exit('skimage' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
