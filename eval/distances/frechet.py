"""The exact Fréchet distance between two sets of features, computed fast.

d² = |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁C₂)^½) for the Gaussians with the sets' means and unbiased covariances (Dowson and
Landau, 1982; Heusel et al., 2017, equation 6). Let X be the centred features / √(N−1), C₁ = XᵀX and C₂ = FFᵀ. Then

    tr (C₁C₂)^½ = the nuclear norm of XF, the sum of the singular values of an N×r matrix,

or for N > r the sum of the roots of the eigenvalues of an r×r matrix. F is kept from the real side: its own Xᵀ if its
images are few, else a root of the covariance from one symmetric eigendecomposition. There is no general matrix
root and no ridge; everything is float64. The result equals ``cleanfid.fid.fid_from_feats``.
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
_LARGEST = 2**23  # how many numbers are converted to double precision at once: 64 MiB


def as_array(features: ArrayLike | Tensor, least: int = 2) -> NDArray:
    """Features (N, D) as an array of the same precision, from an array (may be on disk) or a tensor on any device.

    Raises:
        ValueError: the features are not two-dimensional, have fewer than `least` rows, or are not all finite.
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
    """The real side of a Fréchet distance; its statistics are computed once and kept.

    Args:
        features: features (M, D) of the real images, M ≥ 2.

    Raises:
        ValueError: the features are not finite or not of shape (M ≥ 2, D).
    """

    def __init__(self, features: ArrayLike | Tensor) -> None:
        array = as_array(features)
        spread = _spread_of(array, array.shape[1])
        self.n = len(array)
        self.mean = spread.mean
        self._trace = spread.trace
        # F (D, r): FFᵀ is the covariance, and r is as small as possible. Nothing else is kept of the images.
        self._factor = spread.matrix.T if spread.few else _root(spread.matrix)

    def distance(self, fake: ArrayLike | Tensor) -> float:
        """The Fréchet distance (squared, like FID) of `fake` (N, D), N ≥ 2, to the real side; never negative.

        Raises:
            ValueError: the features are not finite, not of shape (N ≥ 2, D), or of another dimension.
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
    """Mean, trace of the covariance, and a matrix: X (centred features / √(N−1)) if images are `few`, else XᵀX."""

    mean: Matrix
    trace: float
    few: bool
    matrix: Matrix


def _spread_of(array: NDArray, few: int) -> _Spread:
    """The spread of features (N, D); N ≤ `few` counts as few. Large arrays are converted to float64 in parts."""
    n = len(array)
    if n > few and array.size > _LARGEST:
        mean = sum(part.sum(axis=0, dtype=np.float64) for part in _parts(array)) / n
        covariance = sum(part.T @ part for part in (part - mean for part in _parts(array))) / (n - 1)
        return _Spread(mean, float(np.trace(covariance)), False, covariance)
    matrix = np.array(array, dtype=np.float64)  # a copy, because it is changed in place
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
    """The nuclear norm of X @ factor, computed from the smaller of its two sides."""
    if spread.few:
        return float(np.linalg.svd(spread.matrix @ factor, compute_uv=False).sum())
    half = factor.T @ spread.matrix @ factor
    return float(np.sqrt(np.linalg.eigvalsh((half + half.T) / 2).clip(min=0)).sum())
