"""PNG files of single images: written, and read from whoever has made them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.methods.core.files import read_bytes

_SPARE = 2**20  # bytes of a file beyond its pixels: some programs add profiles and notes
_DEEP = ("I", "F", "I;16")  # modes of Pillow of more than 8 bits


class WrongSize(ValueError):
    """A picture of another size than the one asked for."""


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """The PNG file of an image, uint8 (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")  # `optimize` takes half as long again for half a per cent
    return buffer.getvalue()


def most_bytes(side: int) -> int:
    """The size of the largest PNG file that is read as a square picture of that side."""
    return 16 * side * side + _SPARE


def read_png(path: Path, side: int) -> NDArray[np.uint8]:
    """The pixels of a square PNG file, uint8 (side, side, 3); strangers may have made the file.

    Grey pictures and pictures with a palette are taken, too: many programs write such files where no colour is lost.
    The picture is decoded only if it has the right size. A link is not followed.

    Raises:
        WrongSize: it has another size.
        ValueError: it is damaged, no PNG, not a regular file, transparent, or has more than 8 bits a channel.
        OSError: the file cannot be read.
    """
    return png_pixels(read_bytes(path, most_bytes(side), follow=False), side)


def png_pixels(data: bytes, side: int) -> NDArray[np.uint8]:
    """The pixels of the content of such a file.

    Raises:
        WrongSize, ValueError: as by `read_png`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
            if opened.size != (side, side):
                raise WrongSize(f"{opened.size[0]} x {opened.size[1]} pixels, not {side} x {side}")
            if opened.mode.startswith(_DEEP):
                raise ValueError("more than 8 bits a channel")
            if "transparency" in opened.info or opened.mode in ("LA", "PA", "RGBA"):
                whole = np.asarray(opened.convert("RGBA"))
                if (whole[..., 3] != 255).any():
                    raise ValueError("transparent")
                return np.ascontiguousarray(whole[..., :3])
            return np.array(opened.convert("RGB"))
    except ValueError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error ... on damaged files
        raise ValueError("damaged, or no PNG") from error
