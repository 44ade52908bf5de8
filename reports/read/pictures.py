"""Opens a picture of a run directory, of the size that it must have; nothing else is ever decoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridgebench.methods.core.errors import UserError
from PIL import Image

_MOST_PIXELS = 2**24


def open_picture(path: Path, fits: Callable[[int, int], bool], wanted: str) -> Image.Image:
    """A PNG as RGB.

    Args:
        path: the file.
        fits: whether a width and a height are right.
        wanted: what is right, for the message.

    Raises:
        UserError: it is damaged, or of another size.
    """
    try:
        with Image.open(path, formats=("PNG",)) as opened:
            width, height = opened.size
            if fits(width, height) and width * height <= _MOST_PIXELS:
                return opened.convert("RGB")
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error ... on damaged files
        raise UserError(f"{path} is damaged ({error}); delete it and run `bridgebench benchmark` again.") from error
    raise UserError(
        f"{path} is {width} x {height} pixels, not {wanted}; delete it and run `bridgebench benchmark` again."
    )
