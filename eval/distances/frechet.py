"""The exact Fréchet distance between two sets of features, computed fast.

d² = |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁C₂)^½) for the Gaussians with the sets' means and unbiased covariances (Dowson and
Landau, 1982; Heusel et al., 2017, equation 6). With C₁ = XᵀX, X the centred features over √(N−1), and C₂ = FFᵀ,

    tr (C₁C₂)^½ = the nuclear norm of XF:

the singular values of an N×r matrix, and for N > r the roots of the eigenvalues of an r×r matrix. F is the real side's
and is kept: its centred features where these are few, else its root from one symmetric eigendecomposition. No general
matrix root, no ridge, float64 throughout; equal to ``cleanfid.fid.fid_from_feats``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

Matrix = NDArray[np.float64]
_LARGEST = 2**23  # numbers that are taken to double precision at once: 64 MiB


def as_array(features: ArrayLike | Tensor, least: int = 2) -> NDArray:
    """Features (N, D) in their own precision, from a NumPy array, which may lie on disk, or a tensor on any device.

    Raises:
        ValueError: not two-dimensional, fewer than `least` rows, or values that are not finite.
    """
    if hasattr(features, "detach"):
        features = features.detach().cpu().numpy()
    array = np.asarray(features)
    if array.ndim != 2:
        raise ValueError(f"features must be (N, D), not of shape {array.shape}")
    if len(array) < least:
        raise ValueError(f"a distance needs at least {least} images on each side, not {len(array)}")
    if not all(np.isfinite(part).all() for part in _parts(array)):
        raise ValueError("features must be finite")
    return array


class RealStatistics:
    """The real side of a distance, its factor computed once and kept.

    Args:
        features: (M, D), M ≥ 2.

    Raises:
        ValueError: features that are not finite or not (M ≥ 2, D).
    """

    def __init__(self, features: ArrayLike | Tensor) -> None:
        array = as_array(features)
        spread = _spread_of(array, array.shape[1])
        self.n = len(array)
        self.mean = spread.mean
        self._trace = spread.trace
        # F, (D, r), with FFᵀ the covariance and r as small as can be: all that is kept of the images.
        self._factor = spread.matrix.T if spread.few else _root(spread.matrix)

    def distance(self, fake: ArrayLike | Tensor) -> float:
        """The Fréchet distance (squared, as FID is) of `fake` (N, D), N ≥ 2, to the real side; never negative.

        Raises:
            ValueError: features that are not finite, not (N ≥ 2, D), or of another dimension.
        """
        array = as_array(fake)
        if array.shape[1] != len(self.mean):
            raise ValueError(f"features of dimension {array.shape[1]} against {len(self.mean)}")
        spread = _spread_of(array, self._factor.shape[1])
        shift = spread.mean - self.mean
        distance = float(shift @ shift) + spread.trace + self._trace - 2 * _nuclear_norm(spread, self._factor)
        return max(distance, 0.0)


def frechet_distance(a: ArrayLike | Tensor, b: ArrayLike | Tensor) -> float:
    """The Fréchet distance between features `a` (N, D) and `b` (M, D); symmetric; see :class:`RealStatistics`."""
    return RealStatistics(b).distance(a)


@dataclass(frozen=True)
class _Spread:
    """Mean, trace of the covariance, and a matrix: of few images X, their centred features over √(N−1), else XᵀX."""

    mean: Matrix
    trace: float
    few: bool
    matrix: Matrix


def _spread_of(array: NDArray, few: int) -> _Spread:
    """The spread of features (N, D), N > `few` being many. Large ones are never in double precision as a whole."""
    n = len(array)
    if n > few and array.size > _LARGEST:
        mean = sum(part.sum(axis=0, dtype=np.float64) for part in _parts(array)) / n
        covariance = sum(part.T @ part for part in (part - mean for part in _parts(array))) / (n - 1)
        return _Spread(mean, float(np.trace(covariance)), False, covariance)
    matrix = np.array(array, dtype=np.float64)  # a copy: it is changed
    mean = matrix.mean(axis=0)
    matrix -= mean
    matrix /= np.sqrt(n - 1)
    trace = float(np.square(matrix).sum())
    return _Spread(mean, trace, n <= few, matrix if n <= few else matrix.T @ matrix)


def _root(covariance: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(covariance)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept] * np.sqrt(values[kept])


def _parts(array: NDArray) -> Iterator[NDArray]:
    rows = max(1, _LARGEST // max(1, array.shape[1]))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]


def _nuclear_norm(spread: _Spread, factor: Matrix) -> float:
    """The nuclear norm of the centred features @ factor, over the smaller of its two sides."""
    if spread.few:
        return float(np.linalg.svd(spread.matrix @ factor, compute_uv=False).sum())
    half = factor.T @ spread.matrix @ factor
    return float(np.sqrt(np.linalg.eigvalsh((half + half.T) / 2).clip(min=0)).sum())
