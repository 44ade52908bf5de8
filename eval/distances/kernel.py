"""The kernel distance (KID): the squared maximum mean discrepancy under a cubic polynomial kernel, unbiased.

k(x, y) = (x·y / D + 1)³ (Bińkowski et al., 2018, section 4), as in clean-fid. clean-fid averages over a hundred random
subsets of equal size. This module takes all images at once (a seeded draw of 2,000 if there are more): the expectation
is the same, the variance is lower, no work is repeated. The jackknife over the images of both sides gives a standard
error; overlapping subsets cannot. For two sides of equal size, at most 1,000, both ways give the same number.

Several edits of one source depend on each other. Pairs of them would bias the mean within their side, so they are left
out of it, and the jackknife leaves out a source together with all its edits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgebench.eval.distances.frechet import Matrix, as_array

if TYPE_CHECKING:
    from torch import Tensor

Kernel = Callable[[Matrix, Matrix], Matrix]

LARGEST_SIDE = 2000
SMALLEST_SIDE = 3


def cubic(a: Matrix, b: Matrix) -> Matrix:
    """The kernel (x·y / D + 1)³ between features (N, D) and (M, D), (N, M)."""
    base = a @ b.T / a.shape[1] + 1
    return base * base * base


class KernelReal:
    """The real side of a kernel distance; its own kernel sums are computed once and kept.

    Args:
        features: features (M, D) of the real images, M ≥ 3.
        seed: seed of the draw of 2,000 images if there are more.
        kernel: of features (N, D) and (M, D), (N, M).

    Raises:
        ValueError: the features are not finite or not of shape (M ≥ 3, D).
    """

    def __init__(self, features: ArrayLike | Tensor, seed: int = 0, kernel: Kernel = cubic) -> None:
        self._kernel = kernel
        self._side = _Side(features, None, seed, self._kernel)
        self._seed = seed

    def distance(self, fake: ArrayLike | Tensor, sources: ArrayLike | None = None) -> tuple[float, float]:
        """The distance of `fake` and its standard error. The distance is unbiased, so it can be slightly below 0.

        Args:
            fake: features (N, D) of edits, N ≥ 3.
            sources: (N,), the source image of each edit, at least three different ones; None: all are different.

        Raises:
            ValueError: the features are not finite, not (N ≥ 3, D), of another dimension, or of too few sources.
        """
        a, b = _Side(fake, sources, self._seed, self._kernel), self._side
        if a.features.shape[1] != b.features.shape[1]:
            raise ValueError(f"features of dimension {a.features.shape[1]} against {b.features.shape[1]}")
        cross = self._kernel(a.features, b.features)
        value = a.within + b.within - 2 * cross.mean()
        leave_a = a.within_without + b.within - 2 * a.mean_without(cross.sum(axis=1), len(b.features))
        leave_b = b.within_without + a.within - 2 * b.mean_without(cross.sum(axis=0), len(a.features))
        return float(value), float(np.sqrt(_jackknife(leave_a) + _jackknife(leave_b)))


class _Side:
    """One side of a kernel distance: the features and their kernel sums for each source."""

    def __init__(self, features: ArrayLike | Tensor, sources: ArrayLike | None, seed: int, kernel: Kernel) -> None:
        array = as_array(features, SMALLEST_SIDE)
        of = np.arange(len(array)) if sources is None else np.asarray(sources)
        if len(array) > LARGEST_SIDE:
            drawn = np.sort(np.random.default_rng(seed).choice(len(array), LARGEST_SIDE, replace=False))
            array, of = array[drawn], of[drawn]
        self.features = np.asarray(array, dtype=np.float64)
        self._kernel = kernel
        self._of = np.unique(of, return_inverse=True)[1]
        self._sizes = np.bincount(self._of).astype(np.float64)
        if len(self._sizes) < SMALLEST_SIDE:
            raise ValueError(f"a kernel distance needs edits of at least {SMALLEST_SIDE} sources")

    @cached_property
    def _sums(self) -> Matrix:
        """For each source, the sum of the kernel between its edits and the edits of all other sources."""
        kernel = self._kernel(self.features, self.features)
        if len(self._sizes) == len(self.features):
            np.fill_diagonal(kernel, 0)
        else:
            kernel[self._of[:, None] == self._of] = 0
        return np.bincount(self._of, kernel.sum(axis=1)).astype(np.float64)

    @property
    def _pairs(self) -> Matrix:
        """For each source, the number of pairs in that sum."""
        return self._sizes * (len(self.features) - self._sizes)

    @property
    def within(self) -> np.float64:
        """The mean kernel over pairs of edits of different sources."""
        return self._sums.sum() / self._pairs.sum()

    @property
    def within_without(self) -> Matrix:
        """`within` after leaving out each source in turn."""
        return (self._sums.sum() - 2 * self._sums) / (self._pairs.sum() - 2 * self._pairs)

    def mean_without(self, sums: Matrix, others: int) -> Matrix:
        """The mean kernel between the sides after leaving out each source in turn; `sums` are the sums of the rows."""
        return (sums.sum() - np.bincount(self._of, sums)) / ((len(self.features) - self._sizes) * others)


def kernel_distance(a: ArrayLike | Tensor, b: ArrayLike | Tensor, seed: int = 0) -> tuple[float, float]:
    """The unbiased kernel distance between features `a` (N, D) and `b` (M, D), and its standard error."""
    return KernelReal(b, seed).distance(a)


def _jackknife(estimates: Matrix) -> NDArray[np.float64] | np.float64:
    n = len(estimates)
    return (n - 1) / n * np.square(estimates - estimates.mean()).sum()
