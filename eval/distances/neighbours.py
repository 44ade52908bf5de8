"""Precision, recall, density and coverage: which images lie among the nearest neighbours of the other side.

Around each image lies a ball that reaches to its k-th nearest neighbour on its own side (Kynkäänniemi et al., 2019).
Precision is the share of fake images in the ball of any real image, recall the share of real images in the ball of any
fake image. Density counts in how many real balls a fake image lies, over k, and coverage is the share of real balls in
which any fake image lies (Naeem et al., 2020): single outliers with huge balls do not spoil these two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgebench.eval.distances.frechet import Matrix, as_array

NEAREST = 5  # k, as Naeem et al. have it
_BLOCK = 2_000_000  # distances held at once


class Neighbours(NamedTuple):
    """Precision, recall and coverage in [0, 1]; density is about 1 for two sides of one distribution, 0 at least."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(real: ArrayLike, fake: ArrayLike) -> Neighbours:
    """Precision, recall, density and coverage of fake features (N, D) and real features (M, D); N, M > 5.

    Raises:
        ValueError: the features are not finite, not of shape (N > 5, D), or of different dimensions.
    """
    a, b = (np.asarray(as_array(side, NEAREST + 1), np.float64) for side in (real, fake))
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of dimension {b.shape[1]} against {a.shape[1]}")
    of_real, of_fake = _radii(a), _radii(b)
    inside = np.zeros(len(b))  # in how many real balls each fake image lies
    recalled, covered = np.zeros(len(a), bool), np.zeros(len(a), bool)
    for rows, squares in _distances(b, a):
        within = squares < of_real
        inside[rows] = within.sum(axis=1)
        covered |= within.any(axis=0)
        recalled |= (squares < of_fake[rows, None]).any(axis=0)
    return Neighbours(
        precision=float((inside > 0).mean()),
        recall=float(recalled.mean()),
        density=float(inside.mean() / NEAREST),
        coverage=float(covered.mean()),
    )


def _radii(side: Matrix) -> NDArray[np.float64]:
    """The squared distance (N,) of each image to its k-th nearest neighbour on its own side."""
    found = [np.partition(squares, NEAREST, axis=1)[:, NEAREST] for _, squares in _distances(side, side)]
    return np.concatenate(found)  # each image is its own nearest, number 0


def _distances(a: Matrix, b: Matrix) -> Iterator[tuple[slice, Matrix]]:
    """Squared distances of some rows of (N, D) to all rows of (M, D), block by block."""
    lengths = np.square(b).sum(axis=1)
    step = max(1, _BLOCK // len(b))
    for start in range(0, len(a), step):
        part = a[start : start + step]
        squares = np.square(part).sum(axis=1)[:, None] + lengths - 2 * part @ b.T
        yield slice(start, start + len(part)), squares.clip(min=0)
