"""Percentile bootstrap intervals of per-image means (Efron, 1979): images are resampled, seeded.

Only for means over images. A Fréchet distance gets none: resampling moves the estimate itself (PROTOCOL.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.95
_LARGEST_CHUNK = 4_000_000  # drawn indices held at once


def interval(values: ArrayLike, seed: int, resamples: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of `values` (N,), N ≥ 1.

    Raises:
        ValueError: no values.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not len(data):
        raise ValueError(f"an interval needs values (N ≥ 1,), not of shape {data.shape}")
    random = np.random.default_rng(seed)
    chunk = max(1, _LARGEST_CHUNK // len(data))
    means = [
        data[random.integers(0, len(data), (min(chunk, resamples - start), len(data)))].mean(axis=1)
        for start in range(0, resamples, chunk)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
