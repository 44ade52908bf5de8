"""The kernel distance (KID): the squared maximum mean discrepancy under a cubic polynomial kernel, unbiased.

k(x, y) = (x·y / D + 1)³ (Bińkowski et al., 2018, section 4), as in clean-fid. Where clean-fid averages over a hundred
random subsets of equal size, this takes all images at once (a seeded draw of 2,000 where there are more): the same
expectation, less variance, no repeated work, and a standard error from the jackknife over the images of both sides,
which overlapping subsets cannot give. With two sides of equal size, at most 1,000, both are the same number.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.frechet import Matrix, as_array

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
        self._features = _draw(features, seed)
        self._seed = seed

    @cached_property
    def _rows(self) -> Matrix:
        return _row_sums(self._features)

    def distance(self, fake: ArrayLike | Tensor) -> tuple[float, float]:
        """The distance of `fake` (N, D), N ≥ 3, and its standard error. Unbiased, so it can be a little below 0.

        Raises:
            ValueError: features that are not finite, not (N ≥ 3, D), or of another dimension.
        """
        a, b = _draw(fake, self._seed), self._features
        if a.shape[1] != b.shape[1]:
            raise ValueError(f"features of dimension {a.shape[1]} against {b.shape[1]}")
        cross = _kernel(a, b)
        rows_a, rows_b = _row_sums(a), self._rows
        between, within_a, within_b = cross.mean(), _within(rows_a), _within(rows_b)
        value = within_a + within_b - 2 * between
        leave_a = _within_without(rows_a) + within_b - 2 * _mean_without(cross.sum(axis=1), len(b))
        leave_b = _within_without(rows_b) + within_a - 2 * _mean_without(cross.sum(axis=0), len(a))
        return float(value), float(np.sqrt(_jackknife(leave_a) + _jackknife(leave_b)))


def kernel_distance(a: ArrayLike | Tensor, b: ArrayLike | Tensor, seed: int = 0) -> tuple[float, float]:
    """The unbiased kernel distance between features `a` (N, D) and `b` (M, D), and its standard error."""
    return KernelReal(b, seed).distance(a)


def _draw(features: ArrayLike | Tensor, seed: int) -> Matrix:
    array = as_array(features, SMALLEST_SIDE)
    if len(array) > LARGEST_SIDE:
        array = array[np.sort(np.random.default_rng(seed).choice(len(array), LARGEST_SIDE, replace=False))]
    return np.asarray(array, dtype=np.float64)


def _kernel(a: Matrix, b: Matrix) -> Matrix:
    base = a @ b.T / a.shape[1] + 1
    return base * base * base


def _row_sums(features: Matrix) -> Matrix:
    """For each image, the sum of its kernel with all others."""
    kernel = _kernel(features, features)
    np.fill_diagonal(kernel, 0)
    return kernel.sum(axis=1)


def _within(rows: Matrix) -> np.float64:
    n = len(rows)
    return rows.sum() / (n * (n - 1))


def _within_without(rows: Matrix) -> Matrix:
    """The mean kernel within a side after leaving out each image in turn."""
    n = len(rows)
    return (rows.sum() - 2 * rows) / ((n - 1) * (n - 2))


def _mean_without(sums: Matrix, others: int) -> Matrix:
    """The mean kernel between the sides after leaving out each image in turn."""
    return (sums.sum() - sums) / ((len(sums) - 1) * others)


def _jackknife(estimates: Matrix) -> NDArray[np.float64] | np.float64:
    n = len(estimates)
    return (n - 1) / n * np.square(estimates - estimates.mean()).sum()
