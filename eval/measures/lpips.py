"""LPIPS of an edit to its source and to the true edit: how different people find them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import Family, MeasureCard, Values


def lpips(a: NDArray[np.float32], b: NDArray[np.float32]) -> Values:
    """LPIPS (N,) of images with the vectors (N, D) that the network "lpips" gives; 0 for equal images."""
    return np.square(a - b).sum(axis=1, dtype=np.float64)


LPIPS_SOURCE = MeasureCard(
    key="lpips_source",
    family=Family("lpips", 1),
    title="LPIPS to source",
    about="How different people find edit and source (Zhang et al., 2018); compare with the true edit.",
    of_images=lambda source, edited, truth: lpips(edited, source),
    network="lpips",
    digits=3,
)
LPIPS_TRUE = replace(
    LPIPS_SOURCE,
    key="lpips_true",
    title="LPIPS to truth",
    about="How different people find edit and true edit (Zhang et al., 2018).",
    of_images=lambda source, edited, truth: lpips(edited, truth),
    needs=("truth",),
    better="lower",
)
