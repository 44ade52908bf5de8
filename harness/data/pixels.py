"""Converts between 8-bit images, which are stored and measured, and floats in [-1, 1], which methods edit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Float (N, 3, H, W) in [-1, 1] to uint8 (N, H, W, 3), rounded to the nearest grey level.

    Raises:
        ValueError: values that are not finite.
    """
    if not all(bool(end.isfinite()) for end in images.aminmax()):  # either is NaN if any value is
        raise ValueError("the edited images hold values that are not finite")
    levels = ((images.detach().float().cpu() + 1) * 127.5).round_().clamp_(0, 255)
    return levels.byte().permute(0, 2, 3, 1).contiguous().numpy()


def digest(image: NDArray[np.uint8]) -> bytes:
    """A hash of the pixels of an 8-bit image."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()
