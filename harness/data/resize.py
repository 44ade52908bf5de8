"""Makes a photo of any size into the square input of a network: crop and two resize filters.

* ``legacy_bicubic``: TensorFlow 1's ``resize_bicubic`` (no antialias, no half-pixel centres), as in BridgeGAN's data
  code. At exactly 2:1 it picks every second pixel. The result differs a lot from PyTorch's and Pillow's bicubic.
* ``antialiased``: Pillow's bilinear filter, whose support grows with the reduction (StarGAN's, torchvision's default).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Filter = Literal["legacy_bicubic", "antialiased"]

_TABLE = 1024  # TensorFlow reads the cubic's coefficients from a table of this many steps between two pixels
_A = -0.75  # free parameter of TensorFlow's cubic kernel


@dataclass(frozen=True)
class Crop:
    """A square cut-out: rows ``top : top + size``, columns ``left : left + size``."""

    top: int
    left: int
    size: int

    def fits(self, height: int, width: int) -> bool:
        """Whether the square lies within an image of this size."""
        return min(self.top, self.left) >= 0 and self.top + self.size <= height and self.left + self.size <= width

    def cut(self, image: NDArray) -> NDArray:
        """The square of an (H, W, ...) image, as a view."""
        return image[self.top : self.top + self.size, self.left : self.left + self.size]


CELEBA_BRIDGEGAN = Crop(top=26, left=3, size=170)  # of the aligned 218 x 178 photos; supplement of BridgeGAN, data code


@dataclass(frozen=True)
class Preparation:
    """How a data set's photos become network input; `describe` goes into the protocol and its hash.

    Attributes:
        crop: the square that is cut out; None: the whole photo, which need not be square (the result is).
        centred: the largest square in the middle of each photo is cut out instead.
        filter: the resize filter.
        size: side of the result in pixels.
        photo: height and width of the photos that the crop is meant for; None: any.
    """

    crop: Crop | None
    filter: Filter
    size: int
    photo: tuple[int, int] | None = None
    centred: bool = False

    def describe(self) -> dict[str, Any]:
        """The fields as a dict that can be stored as JSON."""
        crop = "the largest square in the middle" if self.centred else self.crop and asdict(self.crop)
        return {"crop": crop, "filter": self.filter, "size": self.size}

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 -> (size, size, 3) uint8; the crop must lie within the image."""
        height, width = image.shape[:2]
        side = min(height, width)
        crop = Crop((height - side) // 2, (width - side) // 2, side) if self.centred else self.crop
        cut = image if crop is None else crop.cut(image)
        if self.filter == "antialiased":
            return antialiased(cut, self.size)
        return np.rint(legacy_bicubic(cut, self.size)).astype(np.uint8)


def antialiased(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Pillow's bilinear resize of an (H, W, 3) uint8 image to (size, size, 3), whatever its sides."""
    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def legacy_bicubic(image: NDArray, size: int) -> NDArray[np.float32]:
    """TensorFlow 1's bicubic resize of a square image, clipped to the range of 8-bit pixels.

    Args:
        image: (S, S, C), values in [0, 255].
        size: side of the result.

    Returns:
        (size, size, C) float32 in [0, 255], not rounded (the official code divides by 127.5 and subtracts 1).

    Source: TensorFlow 1.x ``tf.image.resize_bicubic(align_corners=False)``; checked against its output (SPEC of
    BridgeGAN, section 4).
    """
    weights = _bicubic_matrix(image.shape[0], size)
    rows = np.tensordot(weights, image.astype(np.float32), axes=(1, 0))
    both = np.tensordot(rows, weights, axes=(1, 1)).transpose(0, 2, 1)
    return np.clip(both, 0, 255)


@lru_cache(maxsize=8)
def _bicubic_matrix(source: int, size: int) -> NDArray[np.float32]:
    """(size, source): row o holds the four weights of output pixel o; taps beyond an edge use the edge pixel."""
    position = np.arange(size, dtype=np.float32) * np.float32(source / size)
    first = np.floor(position)
    t = np.rint((position - first) * _TABLE) / _TABLE
    taps = np.stack([_outer(1 + t), _inner(t), _inner(1 - t), _outer(2 - t)], axis=1)
    columns = np.clip(first[:, None].astype(int) + np.arange(-1, 3), 0, source - 1)
    matrix = np.zeros((size, source), np.float32)
    np.add.at(matrix, (np.arange(size)[:, None], columns), taps)
    return matrix


def _inner(distance: NDArray) -> NDArray:
    """The cubic at distances in [0, 1]."""
    return ((_A + 2) * distance - (_A + 3)) * distance**2 + 1


def _outer(distance: NDArray) -> NDArray:
    """The cubic at distances in [1, 2]."""
    return ((_A * distance - 5 * _A) * distance + 8 * _A) * distance - 4 * _A
