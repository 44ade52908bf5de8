"""Percentile bootstrap intervals of per-image means (Efron, 1979): images are resampled, seeded.

Only for means over images. A Fréchet distance gets none: resampling moves the estimate itself (PROTOCOL.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    means = [data[draws].mean(axis=1) for draws in _resamples(len(data), seed, resamples)]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _resamples(count: int, seed: int, resamples: int) -> Iterable[NDArray[np.int64]]:
    """Indices (k, count), with all k adding up to `resamples`; a cell's measures mostly ask for the same ones."""
    return _kept(count, seed, resamples) if count * resamples <= _LARGEST_CHUNK else _drawn(count, seed, resamples)


@lru_cache(maxsize=2)
def _kept(count: int, seed: int, resamples: int) -> tuple[NDArray[np.int64], ...]:
    return tuple(_drawn(count, seed, resamples))


def _drawn(count: int, seed: int, resamples: int) -> Iterable[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    chunk = max(1, _LARGEST_CHUNK // count)
    for start in range(0, resamples, chunk):
        yield random.integers(0, count, (min(chunk, resamples - start), count))
