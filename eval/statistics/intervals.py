"""95 % intervals of means over images: percentile bootstrap (Efron, 1979), and Wilson's (1927) of plain shares.

Where each image is right or wrong, resampling says too little near 0 and 1: of 400 right ones out of 400 it draws
nothing else, as if no image could ever be wrong. A Fréchet distance has no interval: resampling moves the estimate
itself (eval/PROTOCOL.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

LEVEL = 0.95
_LARGEST_CHUNK = 4_000_000  # drawn indices held at once


def share(values: ArrayLike, seed: int, resamples: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of `values` (N,) in [0, 1], N ≥ 1.

    Wilson's where all are 0 or 1; the bootstrap's where some are between, as means of several outputs are.

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
