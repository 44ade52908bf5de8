"""The pictures of a run directory: PNG files of square images, side by side, in rows, or one below the other."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes
from bridgebench.methods.core.png import png_bytes

Images = NDArray[np.uint8]

STRIP = 8  # images of a strip
_MOST_PIXELS = 2**24


def strip_png(images: Images) -> bytes:
    """The first eight images (N, H, W, 3) side by side, as a PNG file."""
    return grid_png(images[:STRIP], len(images[:STRIP]))


def grid_png(images: Images, columns: int) -> bytes:
    """Images (rows * columns, H, W, 3), row by row, as a PNG file."""
    rows = [np.concatenate(list(images[i : i + columns]), axis=1) for i in range(0, len(images), columns)]
    return png_bytes(np.concatenate(rows))


def column_png(kinds: Sequence[Images]) -> bytes:
    """Images one below the other as a PNG file: of the first edit one of each kind, then of the second, and so on.

    A source lies next to its true edit, which has mostly the same pixels: close by, PNG's compression finds them.
    """
    return png_bytes(np.concatenate([image for images in zip(*kinds, strict=True) for image in images]))


def open_picture(path: Path, fits: Callable[[int, int], bool], wanted: str) -> Image.Image:
    """A PNG file as an RGB image; it is decoded only if it has the size that it must have.

    Args:
        path: the file.
        fits: whether a width and a height are right.
        wanted: what is right, for the message.

    Raises:
        UserError: it is damaged, or of another size.
    """
    try:
        with Image.open(io.BytesIO(read_bytes(path, follow=False)), formats=("PNG",)) as opened:
            width, height = opened.size
            if fits(width, height) and width * height <= _MOST_PIXELS:
                return opened.convert("RGB")
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error ... on damaged files
        raise UserError(f"{path} is damaged ({error}); delete it and run `bridgebench benchmark` again.") from error
    raise UserError(
        f"{path} is {width} x {height} pixels, not {wanted}; delete it and run `bridgebench benchmark` again."
    )
