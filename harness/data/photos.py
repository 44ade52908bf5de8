"""Decodes a photo from an unknown source: any size, any colour mode, perhaps damaged."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bridgebench.methods.core.errors import UserError

# There are many decoders for other formats; they are less used, and some start other programs.
_FORMATS = ("PNG", "JPEG")

# Pillow refuses images above twice its pixel limit and only warns above the limit; here both are refused.
_LARGEST = Image.MAX_IMAGE_PIXELS or 2**26
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """The photo as seen on a screen: upright, opaque (transparent parts on white), 8-bit colour.

    Args:
        path: a PNG or JPEG file, grey or colour, with 8 or 16 bits a channel.

    Returns:
        (H, W, 3) uint8.

    Raises:
        UserError: the file is missing, damaged, of another format, or above Pillow's limit of pixels
            (``PIL.Image.MAX_IMAGE_PIXELS``, about 89 million).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no image file {path}.")
    return decode_photo(path, str(path))


def colour_profile(path: str | Path) -> bytes | None:
    """The ICC profile that says what the numbers of a photo in RGB mean as colours; None: the file has none.

    Args:
        path: a file that `read_photo` can read.
    """
    with Image.open(path, formats=_FORMATS) as image:
        found = image.info.get("icc_profile")
        return found if image.mode in ("RGB", "RGBA") and isinstance(found, bytes) else None


def decode_photo(file: Path | BinaryIO, name: str) -> NDArray[np.uint8]:
    """Like :func:`read_photo`, for an open file; `name` is its name in messages to the user."""
    try:
        with Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height > _LARGEST:
                raise Image.DecompressionBombError
            return np.array(_opaque(ImageOps.exif_transpose(_eight_bit(image))))
    except Image.DecompressionBombError as error:
        raise UserError(f"{name} is larger than {_LARGEST // 10**6} million pixels; make it smaller first.") from error
    except Image.UnidentifiedImageError as error:
        raise UserError(f"{name} is not a PNG or JPEG image.") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error ... on damaged files
        raise UserError(f"{name} is a damaged image: {error}.") from error


def _eight_bit(image: Image.Image) -> Image.Image:
    """Converts 16-bit grey to 8-bit grey; Pillow's own conversion would clip all values above 255."""
    if not image.mode.startswith("I"):
        return image
    grey = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    grey.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return grey


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
