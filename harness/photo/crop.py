"""Chooses the square of a user's photo that is edited, and pastes the edited square back into the photo.

Networks for faces are trained on CelebA's aligned photos (178 x 218, eyes near (69, 111) and (108, 111)), which
BridgeGAN crops to rows 26 to 196 and columns 3 to 173. Photos from a camera are cropped so that the eyes are at the
same place; the face is found by the cascade of local binary patterns that is part of scikit-image.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.harness.data.celeba import PHOTO_SIZE
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, Preparation, antialiased
from bridgebench.methods.core.errors import UserError

_FACE = "face"
# The eyes in a box of the cascade, and in CelebA's crop: the point between the eyes and their distance, as shares of
# the side. The values for the cascade were measured on the mean of 27 faces that it found.
_BOX_EYES = (0.493, 0.373, 0.39)
_CROP_EYES = (0.504, 0.501, 0.225)
_SEARCHED = 640  # longer side, in pixels, of the image in which faces are searched
_SMALLEST = 40  # side, in pixels, of the smallest box in that image
_BORDER = 0.1  # share of the square's side over which an edit fades into the photo


def choose_square(photo: NDArray[np.uint8], name: str, wanted: str | None, option: str = "--crop") -> Crop:
    """The square of a photo that is edited.

    Args:
        photo: (H, W, 3) uint8, upright.
        name: the photo's name in messages to the user.
        wanted: ``"x,y,size"`` in the photo's pixels; ``"face"``: around the largest face; None: a square photo as a
            whole, the data loader's crop of a photo of CelebA's aligned size, the largest face of any other photo.
        option: name of the option by which the user gives `wanted`.

    Raises:
        UserError: `wanted` does not fit, or no face is found.
    """
    height, width = photo.shape[:2]
    if wanted not in (None, _FACE):
        return _parse(str(wanted), name, option, height, width)
    if wanted is None and height == width:
        return Crop(0, 0, height)
    if wanted is None and (height, width) == PHOTO_SIZE:
        return CELEBA_BRIDGEGAN
    found = find_face(photo)
    if found is None:
        raise UserError(
            f"No face was found in {name}; give {option} x,y,size, the left edge, upper edge and side of the square to "
            f"edit, in pixels of the upright photo, which has {width}x{height}."
        )
    return found


def find_face(photo: NDArray[np.uint8]) -> Crop | None:
    """The square around the largest face, as in CelebA's crop; smaller if the photo ends there. None: no face found."""
    height, width = photo.shape[:2]
    scale = max(1.0, max(height, width) / _SEARCHED)
    small = Image.fromarray(photo).convert("L").resize((round(width / scale), round(height / scale)))
    boxes = _cascade().detect_multi_scale(
        img=np.asarray(small),
        scale_factor=1.2,
        step_ratio=1,
        min_size=(_SMALLEST, _SMALLEST),
        max_size=(min(small.size), min(small.size)),
    )
    if not boxes:
        return None
    box = max(boxes, key=lambda box: box["width"])
    side = scale * box["width"]
    size = side * _BOX_EYES[2] / _CROP_EYES[2]
    left = scale * box["c"] + side * _BOX_EYES[0] - size * _CROP_EYES[0]
    top = scale * box["r"] + side * _BOX_EYES[1] - size * _CROP_EYES[1]
    return _within(left, top, size, height, width)


def square_of(photo: NDArray[np.uint8], crop: Crop, size: int) -> NDArray[np.uint8]:
    """The square as network input, (size, size, 3): CelebA's photos as in the loader, others antialiased."""
    if photo.shape[:2] == PHOTO_SIZE and crop == CELEBA_BRIDGEGAN:
        return Preparation(crop, "legacy_bicubic", size).apply(photo)
    return antialiased(crop.cut(photo), size)


def paste_back(
    photo: NDArray[np.uint8], crop: Crop, before: NDArray[np.uint8], edited: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The whole photo with the edited square in it, (H, W, 3).

    The change made by the edit, at the network's size, is enlarged and added to the photo. So unchanged parts keep the
    photo's detail. The change fades out towards the border of the square.

    Args:
        photo: (H, W, 3) uint8.
        crop: the square that was edited.
        before, edited: (size, size, 3) uint8, the square as the network's input and output.
    """
    size = crop.size
    change = edited.astype(np.float32) - before.astype(np.float32)
    channels = [Image.fromarray(change[..., k]).resize((size, size), Image.Resampling.BICUBIC) for k in range(3)]
    edge = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    weight = np.minimum(1, edge / (_BORDER * size))
    fade = np.minimum.outer(weight, weight)[..., None]
    square = crop.cut(photo) + fade * np.stack([np.asarray(channel) for channel in channels], axis=2)
    whole = photo.copy()
    crop.cut(whole)[:] = np.clip(np.rint(square), 0, 255).astype(np.uint8)
    return whole


def _parse(wanted: str, name: str, option: str, height: int, width: int) -> Crop:
    try:
        left, top, size = (int(part) for part in wanted.split(","))
    except ValueError as error:
        raise UserError(f"{option} {wanted}: write three whole numbers x,y,size, or the word {_FACE}.") from error
    crop = Crop(top, left, size)
    if size < 1 or not crop.fits(height, width):
        raise UserError(
            f"{option} {wanted} does not lie within {name}, which has {width}x{height} pixels when upright."
        )
    return crop


def _within(left: float, top: float, size: float, height: int, width: int) -> Crop:
    """The square moved into the image, and made smaller if it is larger than the image."""
    side = int(min(round(size), height, width))
    return Crop(int(np.clip(round(top), 0, height - side)), int(np.clip(round(left), 0, width - side)), side)


@cache
def _cascade() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())
