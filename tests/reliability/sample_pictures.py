"""Small pictures of every kind that people have, for readers of pictures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

Image.init()
# Kinds that `photo` refuses, whatever is in them: some of their decoders are little used, some start other programs.
# Older versions of Pillow write fewer.
_KINDS = ("GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "PCX", "SGI", "QOI", "DDS", "JPEG2000", "AVIF", "PDF")
REFUSED = tuple(kind for kind in _KINDS if kind in Image.SAVE)


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (20, 24), **options: Any) -> bytes:
    """A file of random pixels.

    Args:
        kind: of the file, as Pillow names it.
        mode: of the pixels, as Pillow names it.
        size: width and height.
        options: of the file.
    """
    file, (width, height) = io.BytesIO(), size
    drawn = Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))
    drawn = drawn.convert("L").convert("I").convert(mode) if mode == "I;16" else drawn.convert(mode)
    drawn.save(file, kind, **options)
    return file.getvalue()


def pngs(size: tuple[int, int] = (20, 24)) -> tuple[bytes, ...]:
    """PNG files of every mode, and an animated one."""
    found = [picture("PNG", mode, size) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
    found += [picture("PNG", "P", size, transparency=0), picture("PNG", size=size, icc_profile=b"a profile")]
    frame = Image.new("RGB", size)
    return (*found, picture("PNG", size=size, save_all=True, append_images=[frame, frame]))


def jpegs() -> tuple[bytes, ...]:
    """JPEG files of every kind, among them one that is turned, and one of several pictures as phones make them."""
    turned = Image.Exif()
    turned[0x0112] = 6
    found = [picture("JPEG", mode) for mode in ("RGB", "L", "CMYK")]
    found += [
        picture("JPEG", progressive=True),
        picture("JPEG", exif=turned),
        picture("JPEG", icc_profile=b"a profile"),
    ]
    return (*found, picture("MPO", save_all=True, append_images=[Image.new("RGB", (20, 24))]))


def others() -> tuple[bytes, ...]:
    """Files of the kinds that are refused, and a drawing."""
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    return (*(picture(kind) for kind in REFUSED), drawing)
