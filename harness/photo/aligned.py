"""How photos of people are aligned: as CelebA's 178 x 218 pixels, in which the eyes of all people are at one place.

A square of such an aligned photo is what a network edits. Here it is found again in any photo in which the eyes are
known: turned, enlarged and moved with the face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.harness.data.resize import Crop, antialiased

EYES_MIDDLE = (88.75, 111.0)
"""The point between the eyes: x and y in pixels, the upper left corner of the photo being (0, 0)."""
EYE_DISTANCE = 39.5
"""The distance of the eyes in pixels."""
_FINEST = 8  # a square is turned at this many times the network's side at most, then reduced
_BORDER = 0.12  # share of the square's side over which a change fades into the photo


@dataclass(frozen=True)
class Square:
    """A square in a photo, perhaps turned; it may reach over the photo's borders.

    Attributes:
        x, y: its middle in pixels, the upper left corner of the photo being (0, 0).
        side: in pixels.
        angle: by which it is turned clockwise, in radians.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def of(cls, crop: Crop) -> Square:
        """A crop as a square."""
        return cls(crop.left + crop.size / 2, crop.top + crop.size / 2, crop.size)

    @classmethod
    def at_eyes(cls, eyes: NDArray[np.floating], crop: Crop) -> Square:
        """Where a crop of aligned photos lies in a photo with these eyes.

        Args:
            eyes: (2, 2), x and y of the eye on the viewer's left and of the other one, in pixels.
            crop: the crop, in an aligned photo.
        """
        along = eyes[1] - eyes[0]
        angle, scale = math.atan2(along[1], along[0]), math.hypot(*along) / EYE_DISTANCE
        x, y = (crop.left + crop.size / 2 - EYES_MIDDLE[0], crop.top + crop.size / 2 - EYES_MIDDLE[1])
        cos, sin = math.cos(angle), math.sin(angle)
        middle = eyes.mean(axis=0) + scale * np.array([cos * x - sin * y, sin * x + cos * y])
        return cls(float(middle[0]), float(middle[1]), scale * crop.size, angle)

    @property
    def crop(self) -> Crop | None:
        """The same square as whole pixels; None where it is turned or lies between pixels."""
        left, top = self.x - self.side / 2, self.y - self.side / 2
        whole = self.angle == 0 and left.is_integer() and top.is_integer() and float(self.side).is_integer()
        return Crop(int(top), int(left), int(self.side)) if whole else None

    def cut(self, photo: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """The square as a network takes it, (size, size, 3) uint8; beyond the photo, its border is repeated.

        Args:
            photo: (H, W, 3) uint8.
            size: side of the result.
        """
        crop = self.crop
        if crop is not None and crop.fits(*photo.shape[:2]):
            return antialiased(crop.cut(photo), size)
        left, top, right, bottom = self._box()
        rows = np.clip(np.arange(top, bottom), 0, photo.shape[0] - 1)
        columns = np.clip(np.arange(left, right), 0, photo.shape[1] - 1)
        times = max(1, int(self.side / (_FINEST * size)))
        part = Image.fromarray(photo[rows[:, None], columns]).reduce(times)
        fine = max(size, round(self.side / times))
        matrix, start = self._from_share((left, top))
        linear, shift = matrix / (fine * times), start / times
        data = (*linear[0], shift[0], *linear[1], shift[1])
        turned = part.transform((fine, fine), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
        return antialiased(np.asarray(turned), size)

    def add(self, photo: NDArray[np.uint8], change: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The photo (H, W, 3) with a change of the square added, enlarged and turned back; it fades at the border.

        So the photo keeps its detail where nothing changes. Pixels outside of the square stay as they are.

        Args:
            photo: (H, W, 3) uint8.
            change: (size, size, 3), what to add to the square's pixels, at the network's size.
        """
        height, width = photo.shape[:2]
        left, top, right, bottom = self._box()
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if left >= right or top >= bottom:
            return photo.copy()
        matrix, start = self._from_share((left, top))
        inverse = np.linalg.inv(matrix)  # from pixels of the box to shares of the square
        offset = -inverse @ start
        x, y = np.arange(right - left) + 0.5, (np.arange(bottom - top) + 0.5)[:, None]
        shares = [inverse[k, 0] * x + inverse[k, 1] * y + offset[k] for k in range(2)]
        weight = np.prod([_fade(np.minimum(share, 1 - share)) for share in shares], axis=0)[..., None]
        size = len(change)
        data = tuple(size * np.column_stack([inverse, offset]).ravel())
        channels = [Image.fromarray(np.ascontiguousarray(change[..., k], np.float32)) for k in range(3)]
        place = (right - left, bottom - top), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC
        larger = [np.asarray(channel.transform(*place)) for channel in channels]
        whole = photo.copy()
        box = whole[top:bottom, left:right]
        box[:] = np.clip(np.rint(box + weight * np.stack(larger, axis=2)), 0, 255).astype(np.uint8)
        return whole

    def _from_share(self, origin: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Matrix and start of the map from shares of the side (0 to 1, x and y) to pixels, seen from `origin`."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        matrix = self.side * np.array([[cos, -sin], [sin, cos]])
        return matrix, np.array([self.x - origin[0], self.y - origin[1]]) - matrix @ [0.5, 0.5]

    def _box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of whole pixels around the square, with some to spare for the filters."""
        reach = self.side / 2 * (abs(math.cos(self.angle)) + abs(math.sin(self.angle))) + 2
        left, top = math.floor(self.x - reach), math.floor(self.y - reach)
        return left, top, math.ceil(self.x + reach), math.ceil(self.y + reach)


def _fade(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 at a border, 1 from `_BORDER` on, smooth between; `distance` is a share of the side."""
    share = np.clip(distance / _BORDER, 0, 1)
    return share * share * (3 - 2 * share)
