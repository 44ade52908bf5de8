"""The kernel distance (KID): the squared maximum mean discrepancy under a cubic polynomial kernel, unbiased.

k(x, y) = (x·y / D + 1)³ (Bińkowski et al., 2018, section 4), as in clean-fid. Where clean-fid averages over a hundred
random subsets of equal size, this takes all images at once (a seeded draw of 2,000 where there are more): the same
expectation, less variance, no repeated work, and a standard error from the jackknife over the images of both sides,
which overlapping subsets cannot give. With two sides of equal size, at most 1,000, both are the same number.

Several edits of one source depend on one another: pairs of them are left out of the mean within the side, which they
would bias, and the jackknife leaves out a source with all its edits.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgebench.eval.distances.frechet import Matrix, as_array

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_SIDE = 2000
SMALLEST_SIDE = 3


class KernelReal:
    """The real side of a kernel distance, its own kernel sums computed once and kept.

    Args:
        features: (M, D), M ≥ 3.
        seed: of the draw of 2,000 where there are more.

    Raises:
        ValueError: features that are not finite or not (M ≥ 3, D).
    """

    def __init__(self, features: ArrayLike | Tensor, seed: int = 0) -> None:
        self._side = _Side(features, None, seed)
        self._seed = seed

    def distance(self, fake: ArrayLike | Tensor, sources: ArrayLike | None = None) -> tuple[float, float]:
        """The distance of `fake` (N, D), N ≥ 3, and its standard error. Unbiased, so it can be a little below 0.

        Args:
            fake: features of edits.
            sources: which image each is an edit of, (N,), three or more different ones; None: each of another.

        Raises:
            ValueError: features that are not finite, not (N ≥ 3, D), of another dimension, or of too few sources.
        """
        a, b = _Side(fake, sources, self._seed), self._side
        if a.features.shape[1] != b.features.shape[1]:
            raise ValueError(f"features of dimension {a.features.shape[1]} against {b.features.shape[1]}")
        cross = _kernel(a.features, b.features)
        value = a.within + b.within - 2 * cross.mean()
        leave_a = a.within_without + b.within - 2 * a.mean_without(cross.sum(axis=1), len(b.features))
        leave_b = b.within_without + a.within - 2 * b.mean_without(cross.sum(axis=0), len(a.features))
        return float(value), float(np.sqrt(_jackknife(leave_a) + _jackknife(leave_b)))


class _Side:
    """One side of a distance: features, and their kernel sums by source."""

    def __init__(self, features: ArrayLike | Tensor, sources: ArrayLike | None, seed: int) -> None:
        array = as_array(features, SMALLEST_SIDE)
        of = np.arange(len(array)) if sources is None else np.asarray(sources)
        if len(array) > LARGEST_SIDE:
            drawn = np.sort(np.random.default_rng(seed).choice(len(array), LARGEST_SIDE, replace=False))
            array, of = array[drawn], of[drawn]
        self.features = np.asarray(array, dtype=np.float64)
        self._of = np.unique(of, return_inverse=True)[1]
        self._sizes = np.bincount(self._of).astype(np.float64)
        if len(self._sizes) < SMALLEST_SIDE:
            raise ValueError(f"a kernel distance needs edits of at least {SMALLEST_SIDE} sources")

    @cached_property
    def _sums(self) -> Matrix:
        """For each source, the sum of the kernel of its edits with all others'."""
        kernel = _kernel(self.features, self.features)
        if len(self._sizes) == len(self.features):
            np.fill_diagonal(kernel, 0)
        else:
            kernel[self._of[:, None] == self._of] = 0
        return np.bincount(self._of, kernel.sum(axis=1)).astype(np.float64)

    @property
    def _pairs(self) -> Matrix:
        """For each source, of how many pairs that sum is."""
        return self._sizes * (len(self.features) - self._sizes)

    @property
    def within(self) -> np.float64:
        """The mean kernel of edits of different sources."""
        return self._sums.sum() / self._pairs.sum()

    @property
    def within_without(self) -> Matrix:
        """As `within`, after leaving out each source in turn."""
        return (self._sums.sum() - 2 * self._sums) / (self._pairs.sum() - 2 * self._pairs)

    def mean_without(self, sums: Matrix, others: int) -> Matrix:
        """The mean kernel between the sides after leaving out each source in turn; `sums` are those of the rows."""
        return (sums.sum() - np.bincount(self._of, sums)) / ((len(self.features) - self._sizes) * others)


def kernel_distance(a: ArrayLike | Tensor, b: ArrayLike | Tensor, seed: int = 0) -> tuple[float, float]:
    """The unbiased kernel distance between features `a` (N, D) and `b` (M, D), and its standard error."""
    return KernelReal(b, seed).distance(a)


def _kernel(a: Matrix, b: Matrix) -> Matrix:
    base = a @ b.T / a.shape[1] + 1
    return base * base * base


def _jackknife(estimates: Matrix) -> NDArray[np.float64] | np.float64:
    n = len(estimates)
    return (n - 1) / n * np.square(estimates - estimates.mean()).sum()
