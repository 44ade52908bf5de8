"""95 % intervals of means over images: percentile bootstrap (Efron, 1979), and Wilson's interval (1927) for shares.

If each image is either right or wrong, resampling fails near 0 and 1: if 400 of 400 images are right, it draws only
right ones, as if no image could ever be wrong. A Fréchet distance has no interval, because resampling shifts the
estimate itself (eval/PROTOCOL.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

LEVEL = 0.95
_LARGEST_CHUNK = 4_000_000  # largest number of drawn indices in memory at once


def share(values: ArrayLike, seed: int, resamples: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of `values` (N,), N ≥ 1, each in [0, 1].

    Wilson's interval if all values are 0 or 1. The bootstrap if some are in between, like means of several outputs.

    Raises:
        ValueError: no values.
    """
    data = _checked(values)
    if not np.isin(data, (0.0, 1.0)).all():
        return bootstrap(data, seed, resamples)
    found = binomtest(int(data.sum()), len(data)).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def bootstrap(values: ArrayLike, seed: int, resamples: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of `values` (N,), N ≥ 1, by seeded resampling.

    Raises:
        ValueError: no values.
    """
    data = _checked(values)
    means = [data[draws].mean(axis=1) for draws in _resamples(len(data), seed, resamples)]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not len(data):
        raise ValueError(f"an interval needs values (N ≥ 1,), not of shape {data.shape}")
    return data


def _resamples(count: int, seed: int, resamples: int) -> Iterable[NDArray[np.int64]]:
    """Yields indices (k, count); the k add up to `resamples`. Kept if small: a cell's measures often share them."""
    return _kept(count, seed, resamples) if count * resamples <= _LARGEST_CHUNK else _drawn(count, seed, resamples)


@lru_cache(maxsize=2)
def _kept(count: int, seed: int, resamples: int) -> tuple[NDArray[np.int64], ...]:
    return tuple(_drawn(count, seed, resamples))


def _drawn(count: int, seed: int, resamples: int) -> Iterable[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    chunk = max(1, _LARGEST_CHUNK // count)
    for start in range(0, resamples, chunk):
        yield random.integers(0, count, (min(chunk, resamples - start), count))
