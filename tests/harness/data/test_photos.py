"""Photos as users have them: every colour mode, turned, damaged, or no photo at all."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.photos import read_photo
from bridgebench.methods.core.errors import UserError

RAMP = np.linspace(0, 255, 12 * 20).astype(np.uint8).reshape(12, 20)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)


def _read(tmp_path, image: Image.Image, name: str = "a.png", **options) -> np.ndarray:
    image.save(tmp_path / name, **options)
    return read_photo(tmp_path / name)


def test_colour_is_read_as_it_is(tmp_path):
    np.testing.assert_array_equal(_read(tmp_path, Image.fromarray(COLOUR)), COLOUR)
    jpeg = _read(tmp_path, Image.fromarray(COLOUR), "a.jpg", quality=100, subsampling=0)
    np.testing.assert_allclose(jpeg.astype(int), COLOUR, atol=6)


@pytest.mark.parametrize("mode", ["grey", "16-bit grey", "palette", "CMYK"])
def test_every_colour_mode_becomes_8_bit_colour(tmp_path, mode):
    grey = np.repeat(RAMP[..., None], 3, axis=2)
    if mode == "grey":
        found = _read(tmp_path, Image.fromarray(RAMP))
    elif mode == "16-bit grey":
        found = _read(tmp_path, Image.fromarray(RAMP.astype(np.uint16) << 8))
    elif mode == "palette":
        found = _read(tmp_path, Image.fromarray(RAMP).convert("P"))
    else:
        found = _read(tmp_path, Image.fromarray(grey).convert("CMYK"), "a.jpg", quality=100)
    assert found.shape == (12, 20, 3)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found.astype(int), grey, atol=4)


def test_transparent_parts_lie_on_white(tmp_path):
    alpha = np.full((12, 20), 255, np.uint8)
    alpha[:, 10:] = 0
    found = _read(tmp_path, Image.fromarray(np.dstack([COLOUR, alpha])))
    np.testing.assert_array_equal(found[:, :10], COLOUR[:, :10])
    assert (found[:, 10:] == 255).all()


def test_photos_are_turned_as_their_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    found = _read(tmp_path, Image.fromarray(COLOUR), exif=exif)
    np.testing.assert_array_equal(found, np.rot90(COLOUR, -1))


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_damaged_photos_are_named(tmp_path, suffix, share):
    path = tmp_path / f"photo.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError, match=rf"photo\.{suffix} is "):
        read_photo(path)


def test_what_is_no_photo_is_named(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    Image.fromarray(COLOUR).save(tmp_path / "photo.gif")
    for name, reason in (
        ("text.png", "not a PNG or JPEG"),
        ("photo.gif", "not a PNG or JPEG"),
        ("none.png", "no image"),
    ):
        with pytest.raises(UserError, match=reason):
            read_photo(tmp_path / name)
    with pytest.raises(UserError, match="no image file"):
        read_photo(tmp_path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 40_000])
def test_huge_images_are_refused_before_they_are_decoded(tmp_path, side):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(UserError, match=r"bomb\.png is larger than 89 million pixels"):
        read_photo(tmp_path / "bomb.png")
