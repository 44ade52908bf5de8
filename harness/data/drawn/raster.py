"""From SVG to pixels, and where two pictures differ."""

from __future__ import annotations

import io

import numpy as np
import resvg_py
from PIL import Image

OVERSAMPLING = 2
_GRAIN = 2  # grey levels


def rasterize(svg: str, width: int, height: int, grain_seed: int, many: int = OVERSAMPLING) -> np.ndarray:
    """The pixels of an SVG of `many` times width x height: uint8 (height, width, 3), RGB, with a fine grain.

    Deterministic: no fonts, no state of the machine.
    """
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    fine = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"), dtype=np.uint16)
    if fine.shape != (height * many, width * many, 3):
        raise RuntimeError(f"resvg drew {fine.shape[1]} x {fine.shape[0]} pixels, not {width * many} x {height * many}")
    boxes = fine.reshape(height, many, width, many, 3).sum(axis=(1, 3), dtype=np.uint16)
    levels = (boxes + many * many // 2) // (many * many)
    rng = np.random.Generator(np.random.PCG64(grain_seed))
    grain = rng.integers(-_GRAIN, _GRAIN + 1, size=(height, width, 1), dtype=np.int16)
    return np.clip(levels.astype(np.int16) + grain, 0, 255).astype(np.uint8)


def edit_mask(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two images (..., H, W, 3) differ by more than 2 grey levels in any channel: bool (..., H, W)."""
    return np.any(np.abs(a.astype(np.int16) - b.astype(np.int16)) > 2, axis=-1)
