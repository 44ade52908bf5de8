"""Difference heat maps: where two images differ and by how much, in colours that all eyes tell apart."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STEPS = 20
PERCENT_A_STEP = 1.25  # of the full range, mean of the three channels
MISSING = np.uint8(STEPS + 1)  # transparent: there is no image to compare
SCALE = "grids/difference-scale.png"  # where the pages keep the bar of the legend
# Every 1/STEPS of it; written down, because pages are made without matplotlib, too.
_INFERNO = (
    "000004 07051b 160b39 2b0b57 420a68 57106e 6a176e 7f1e6c 932667 a82e5f bc3754 cc4248 dd513a ea632a f37819 f98e09 "
    "fca50a fbbe23 f6d746 f1ef75 fcffa4"
)
HIGHEST = STEPS * PERCENT_A_STEP  # 25 %: what differs more has the last colour


def levels(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The step, 0 to STEPS, of every pixel of two RGB images (H, W, 3): (H, W); 0 is equal to half a step."""
    difference = np.abs(one.astype(np.int16) - two.astype(np.int16)).mean(axis=2) * (100 / 255)
    return np.minimum(np.rint(difference / PERCENT_A_STEP), STEPS).astype(np.uint8)


def png(steps: NDArray[np.uint8]) -> bytes:
    """A map of steps (H, W) as a PNG with a palette."""
    picture = Image.fromarray(steps.astype(np.uint8)).convert("P")
    picture.putpalette([*palette().ravel().tolist(), 0, 0, 0])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, transparency=int(MISSING) if np.any(steps == MISSING) else None)
    return buffer.getvalue()


def scale() -> bytes:
    """The colours from equal to HIGHEST side by side, one pixel each: the bar of the legend."""
    return png(np.arange(STEPS + 1, dtype=np.uint8)[None])


@cache
def palette() -> NDArray[np.uint8]:
    """(STEPS + 1, 3): matplotlib's inferno; its lightness rises evenly, so it is read without colour vision too."""
    return np.array([[*bytes.fromhex(colour)] for colour in _INFERNO.split()], np.uint8)
