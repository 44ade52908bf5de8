"""The crop and the two resize filters, against arrays that the official TensorFlow code made."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from bridgebench.harness.data import resize

REFERENCE = Path(__file__).parents[2] / "reference" / "data" / "resize.npz"
TOLERANCE = 1e-5  # of values in [-1, 1]; from the reference's own description


def _noise(name: str, shape: tuple[int, ...]) -> np.ndarray:
    seed = zlib.crc32(f"bridgebench-public:{name}".encode())
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "shape", "crop", "size", "stride"),
    [
        ("celeba", (1, 218, 178, 3), resize.CELEBA_BRIDGEGAN, 128, 8),
        ("afhq", (512, 512, 3), resize.Crop(top=0, left=0, size=512), 256, 16),
    ],
)
def test_legacy_bicubic_equals_tensorflow(name, shape, crop, size, stride):
    image = _noise(f"{name}_raw", shape).reshape(shape[-3:])
    ours = (resize.legacy_bicubic(crop.cut(image), size) / 127.5 - 1).transpose(2, 0, 1)
    with np.load(REFERENCE) as expected:
        np.testing.assert_allclose(ours[:, ::stride, ::stride], expected[f"data/{name}"][0], rtol=0, atol=TOLERANCE)
        for moment in ("mean", "std"):
            found = getattr(ours, moment)(axis=(1, 2))
            np.testing.assert_allclose(found, expected[f"data/{name}/channel_{moment}"][0], rtol=0, atol=TOLERANCE)


def test_legacy_bicubic_of_half_the_size_picks_every_second_pixel():
    image = _noise("half", (64, 64, 3))
    np.testing.assert_array_equal(resize.legacy_bicubic(image, 32), image[::2, ::2])


def test_antialiased_averages_what_legacy_skips():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, 1::2] = 254
    assert resize.legacy_bicubic(stripes, 32).max() == 0
    np.testing.assert_allclose(resize.antialiased(stripes, 32)[:, 1:-1], 127, atol=1)


def test_crops():
    assert resize.CELEBA_BRIDGEGAN.fits(218, 178)
    assert not resize.CELEBA_BRIDGEGAN.fits(178, 178)
    image = np.arange(218 * 178).reshape(218, 178)
    assert resize.CELEBA_BRIDGEGAN.cut(image)[0, 0] == 26 * 178 + 3
    assert resize.CELEBA_BRIDGEGAN.cut(image)[-1, -1] == 195 * 178 + 172


@pytest.mark.parametrize("kind", ["legacy_bicubic", "antialiased"])
def test_a_preparation_describes_itself_and_gives_8_bit_squares(kind):
    preparation = resize.Preparation(resize.CELEBA_BRIDGEGAN, kind, 64)
    assert json.loads(json.dumps(preparation.describe())) == {
        "crop": {"top": 26, "left": 3, "size": 170},
        "filter": kind,
        "size": 64,
    }
    flat = np.full((218, 178, 3), 201, np.uint8)
    prepared = preparation.apply(flat)
    assert prepared.dtype == np.uint8
    np.testing.assert_array_equal(prepared, np.full((64, 64, 3), 201))
