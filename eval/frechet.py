"""The exact Fréchet distance between two sets of features, computed fast.

d² = |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁C₂)^½) for the Gaussians with the sets' means and unbiased covariances (Dowson and
Landau, 1982; Heusel et al., 2017, equation 6). With C₁ = XᵀX, X the centred features over √(N−1), and C₂ = FFᵀ,

    tr (C₁C₂)^½ = the nuclear norm of XF:

the singular values of an N×r matrix, and for N > r the roots of the eigenvalues of an r×r matrix. F is the real side's
and is kept: its centred features where these are few, else its root from one symmetric eigendecomposition. No general
matrix root, no ridge, float64 throughout; equal to ``cleanfid.fid.fid_from_feats``.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

Matrix = NDArray[np.float64]
_LARGEST_SQUARES = 2**23  # numbers squared at once: 64 MiB


def as_features(features: ArrayLike | Tensor, least: int = 2) -> Matrix:
    """Features (N, D) as float64, from a NumPy array or a tensor on any device.

    Raises:
        ValueError: not two-dimensional, fewer than `least` rows, or values that are not finite.
    """
    if hasattr(features, "detach"):
        features = features.detach().cpu().numpy()
    matrix = np.asarray(features, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"features must be (N, D), not of shape {matrix.shape}")
    if len(matrix) < least:
        raise ValueError(f"a distance needs at least {least} images on each side, not {len(matrix)}")
    if not np.isfinite(matrix).all():
        raise ValueError("features must be finite")
    return matrix


class RealStatistics:
    """The real side of a distance, its factor computed once and kept.

    Args:
        features: (M, D), M ≥ 2.

    Raises:
        ValueError: features that are not finite or not (M ≥ 2, D).
    """

    def __init__(self, features: ArrayLike | Tensor) -> None:
        matrix = as_features(features)
        self.n = len(matrix)
        self.mean, scaled = _centred(matrix, features)
        self._trace = _sum_of_squares(scaled)
        # Of many images the covariance is all that is kept, not their features.
        self._few = self.n <= scaled.shape[1]
        self._kept = scaled if self._few else scaled.T @ scaled

    @cached_property
    def _factor(self) -> Matrix:
        """F, (D, r), with FFᵀ the covariance and r as small as can be."""
        if self._few:
            return self._kept.T
        values, vectors = np.linalg.eigh(self._kept)
        kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
        return vectors[:, kept] * np.sqrt(values[kept])

    def distance(self, fake: ArrayLike | Tensor) -> float:
        """The Fréchet distance (squared, as FID is) of `fake` (N, D), N ≥ 2, to the real side; never negative.

        Raises:
            ValueError: features that are not finite, not (N ≥ 2, D), or of another dimension.
        """
        matrix = as_features(fake)
        if matrix.shape[1] != len(self.mean):
            raise ValueError(f"features of dimension {matrix.shape[1]} against {len(self.mean)}")
        mean, scaled = _centred(matrix, fake)
        shift = mean - self.mean
        trace = _sum_of_squares(scaled)
        distance = float(shift @ shift) + trace + self._trace - 2 * _nuclear_norm(scaled, self._factor)
        return max(distance, 0.0)


def frechet_distance(a: ArrayLike | Tensor, b: ArrayLike | Tensor) -> float:
    """The Fréchet distance between features `a` (N, D) and `b` (M, D); symmetric; see :class:`RealStatistics`."""
    return RealStatistics(b).distance(a)


def _centred(matrix: Matrix, given: ArrayLike | Tensor) -> tuple[Matrix, Matrix]:
    """The mean, and the differences from it over √(N−1); they take the matrix's place if it is a copy of `given`."""
    mean = matrix.mean(axis=0)
    copied = not str(getattr(given, "dtype", "")).endswith("float64")  # what `as_features` leaves as it is
    scaled = np.subtract(matrix, mean, out=matrix if copied else None)
    scaled /= np.sqrt(len(matrix) - 1)
    return mean, scaled


def _sum_of_squares(scaled: Matrix) -> float:
    rows = max(1, _LARGEST_SQUARES // scaled.shape[1])
    return float(sum(np.square(scaled[start : start + rows]).sum() for start in range(0, len(scaled), rows)))


def _nuclear_norm(scaled: Matrix, factor: Matrix) -> float:
    """The nuclear norm of scaled @ factor, over the smaller of its two sides."""
    if len(scaled) <= factor.shape[1]:
        return float(np.linalg.svd(scaled @ factor, compute_uv=False).sum())
    half = factor.T @ (scaled.T @ scaled) @ factor
    return float(np.sqrt(np.linalg.eigvalsh((half + half.T) / 2).clip(min=0)).sum())
