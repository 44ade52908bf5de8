"""The pixels of a face."""

from __future__ import annotations

import numpy as np

from bridgebench.harness.data.drawn.raster import OVERSAMPLING, rasterize
from bridgebench.harness.data.faces.drawing import render_svg
from bridgebench.harness.data.faces.identity import Identity


def render(labels: np.ndarray, identity: Identity, size: int = 64) -> np.ndarray:
    """The face as uint8 (size, size, 3), RGB; `labels` (14,) holds 0 and 1 in the order of `CELEBA14`.

    Pure and deterministic: no fonts, no state of the machine; the grain comes from the identity, so two label
    vectors of one identity differ only where the drawing differs.
    """
    return render_sized(labels, identity, size, size)


def render_sized(labels: np.ndarray, identity: Identity, width: int, height: int) -> np.ndarray:
    """The face as uint8 (height, width, 3); see `render_svg` for a picture that is higher than wide."""
    svg = render_svg(labels, identity, width * OVERSAMPLING, height * OVERSAMPLING)
    return rasterize(svg, width, height, identity.grain_seed)
