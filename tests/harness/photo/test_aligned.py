"""Turned squares: where they lie, what is cut, and how a change goes back into the photo."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.resize import Crop, antialiased
from bridgebench.harness.photo.aligned import EYE_DISTANCE, EYES_MIDDLE, Square

NOISE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
CROP = Crop(top=51, left=16, size=146)


def eyes(x: float, y: float, distance: float, degrees: float) -> np.ndarray:
    half = distance / 2 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    middle = np.array([x, y])
    return np.stack([middle - half, middle + half])


def smooth(height: int, width: int) -> np.ndarray:
    """A picture without small detail, so that resampling it loses nothing."""
    coarse = np.random.default_rng(1).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def test_in_an_aligned_photo_it_is_the_crop() -> None:
    square = Square.at_eyes(eyes(*EYES_MIDDLE, EYE_DISTANCE, 0), CROP)
    np.testing.assert_allclose([square.x, square.y, square.side, square.angle], [89, 124, 146, 0], atol=1e-9)


@pytest.mark.parametrize("degrees", [-40, 10, 45, 90, 180])
@pytest.mark.parametrize("scale", [0.7, 2.5])
def test_a_turned_photo_gives_the_same_square(degrees: float, scale: float) -> None:
    """Pillow turns and enlarges the whole photo; the square is then found by the eyes."""
    photo = smooth(218, 178)
    middle = np.array([300.0, 280.0])
    cos, sin = np.cos(np.radians(degrees)) / scale, np.sin(np.radians(degrees)) / scale
    data = (cos, sin, 89 - cos * 300 - sin * 280, -sin, cos, 109 + sin * 300 - cos * 280)
    large = Image.fromarray(photo).transform((600, 560), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    x, y = np.array(EYES_MIDDLE) - [89, 109]
    place = middle + scale**2 * np.array([cos * x - sin * y, sin * x + cos * y])
    square = Square.at_eyes(eyes(*place, scale * EYE_DISTANCE, degrees), Crop(60, 20, 130))
    found = square.cut(np.asarray(large), 64).astype(float)
    assert np.abs(found - antialiased(photo[60:190, 20:150], 64)).max() < 8


def test_whole_pixels_are_cut_as_they_are() -> None:
    square = Square.of(Crop(5, 10, 80))
    assert square.crop == Crop(5, 10, 80)
    np.testing.assert_array_equal(square.cut(NOISE, 80), NOISE[5:85, 10:90])


def test_beyond_the_photo_its_border_is_repeated() -> None:
    found = Square(10, 45, 80).cut(NOISE, 80)
    np.testing.assert_array_equal(found[:, 40:], NOISE[5:85, 10:50])
    np.testing.assert_array_equal(found[:, :30], np.repeat(NOISE[5:85, :1], 30, axis=1))


@pytest.mark.parametrize("square", [Square(60, 45, 64), Square(62.3, 44, 50.7, 0.6), Square(5, 5, 60, -0.4)])
def test_no_change_leaves_every_pixel(square: Square) -> None:
    np.testing.assert_array_equal(square.add(NOISE, np.zeros((32, 32, 3), np.float32)), NOISE)


@pytest.mark.parametrize("angle", [0.0, 0.5, -1.9])
def test_a_change_is_added_within_the_square_and_fades_at_its_border(angle: float) -> None:
    grey, square = np.full((200, 240, 3), 100, np.uint8), Square(110.5, 95, 120, angle)
    found = square.add(grey, np.full((32, 32, 3), 40, np.float32))[..., 0].astype(int)
    y, x = np.mgrid[:200, :240] + 0.5
    along = np.abs((x - square.x) * np.cos(angle) + (y - square.y) * np.sin(angle))
    across = np.abs((y - square.y) * np.cos(angle) - (x - square.x) * np.sin(angle))
    inward = 60 - np.maximum(along, across)  # pixels from the border
    assert (found[inward < 0] == 100).all()
    assert (found[inward > 0.13 * 120] == 140).all()
    row = found[95, :111] if angle == 0 else None
    assert row is None or (np.diff(row) >= 0).all()
    assert (grey == 100).all()


def test_a_change_comes_to_lie_where_it_was_made() -> None:
    """A bright spot in the turned square, painted at one of its cells, is brightest there in the photo."""
    square = Square(100, 90, 128, 0.7)
    change = np.zeros((64, 64, 3), np.float32)
    change[20:23, 40:43] = 200
    found = square.add(np.zeros((180, 200, 3), np.uint8), change)[..., 0].astype(float)
    y, x = np.mgrid[:180, :200] + 0.5
    u, v = (41.5 / 64 - 0.5) * 128, (21.5 / 64 - 0.5) * 128
    expected = [100 + np.cos(0.7) * u - np.sin(0.7) * v, 90 + np.sin(0.7) * u + np.cos(0.7) * v]
    np.testing.assert_allclose([(found * x).sum() / found.sum(), (found * y).sum() / found.sum()], expected, atol=0.2)


def test_a_square_outside_of_the_photo_changes_nothing() -> None:
    np.testing.assert_array_equal(Square(-300, 40, 50).add(NOISE, np.ones((8, 8, 3), np.float32)), NOISE)
