"""The pixels of an animal."""

from __future__ import annotations

import numpy as np

from bridgebench.harness.data.animals.drawing import render_svg
from bridgebench.harness.data.animals.identity import Identity
from bridgebench.harness.data.drawn.raster import rasterize


def render(domain: str, identity: Identity, size: int = 64) -> np.ndarray:
    """The animal in a domain, one of `DOMAINS`, as uint8 (size, size, 3), RGB.

    Pure and deterministic: no fonts, no state of the machine; pose, light, background and grain come from the
    identity's scene, so the three domains of one identity share them.
    """
    # drawn at its own size: fur hides what oversampling would add, at twice the time
    return rasterize(render_svg(domain, identity, size), size, size, identity.scene.grain_seed, many=1)
