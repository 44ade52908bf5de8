"""The real side of all distances of a run; features and the statistics of subsets are computed only once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.distances.frechet import RealStatistics
from bridgebench.eval.distances.kernel import Kernel, KernelReal, cubic
from bridgebench.methods.core.labels import LabelSpace

Record = dict[str, Any]


class Reals:
    """The features and labels of the real images, and statistics of the images with a given value of an attribute.

    Statistics are kept for all images and for one label column at a time. A cell needs no more, and in a feature space
    of 2,048 dimensions the statistics of all columns would fill the memory. Where a column can be named, None stands
    for all images, whatever their labels are.

    Args:
        features: (M, D); may be an array on disk, read when it is indexed.
        labels: (M, A), values 0 and 1.
        space: what the label columns are.
        seed: seed of the kernel distance's draw and of the random halves in :meth:`floor`.

    Raises:
        ValueError: the features, the labels and the columns of `space` differ in number.
    """

    def __init__(self, features: NDArray[np.float32], labels: NDArray, space: LabelSpace, seed: int) -> None:
        if len(features) != len(labels) or labels.shape[1] != len(space.columns):
            raise ValueError(f"{len(features)} features, labels {labels.shape}, {len(space.columns)} columns")
        self.features = features
        self.labels = np.asarray(labels)
        self.space = space
        self.n = len(features)
        self.seed = seed
        self._column: int | None = None
        self._all: RealStatistics | None = None
        self._statistics: dict[int, RealStatistics] = {}
        self._kernels: dict[tuple[int, Kernel], KernelReal] = {}

    def count(self, column: int | None, value: int) -> int:
        """The number of real images with that value in that column."""
        return self.n if column is None else int((self.labels[:, column] == value).sum())

    def having(self, column: int | None, value: int) -> NDArray[np.float32]:
        """The features of the real images with that value in that column."""
        return self.features if column is None else self.features[self.labels[:, column] == value]

    def statistics(self, column: int | None = None, value: int = 1) -> RealStatistics:
        """The real side of the Fréchet distance: the images with that value in that column."""
        if column is None:
            if self._all is None:
                self._all = RealStatistics(self.features)
            return self._all
        self._turn_to(column)
        if value not in self._statistics:
            self._statistics[value] = RealStatistics(self.having(column, value))
        return self._statistics[value]

    def kernel(self, column: int | None, value: int, kernel: Kernel = cubic) -> KernelReal:
        """The real side of the kernel distance: the images with that value in that column."""
        self._turn_to(column)
        if (value, kernel) not in self._kernels:
            self._kernels[value, kernel] = KernelReal(self.having(column, value), self.seed, kernel)
        return self._kernels[value, kernel]

    def floor(self, minimum_n: int) -> Record:
        """``{"value", "n"}``: the Fréchet distance of real images, of one random half to the other.

        With several domains, each is halved; the value is the mean over the domains, n the size of the smallest half.
        """
        halves = [self._halves(self.space.rows(self.labels, part), minimum_n) for part in self.space.parts]
        if any(half["value"] is None for half in halves):
            return next(half for half in halves if half["value"] is None)
        return {"value": float(np.mean([half["value"] for half in halves])), "n": min(half["n"] for half in halves)}

    def null(self, features: NDArray[np.float32], labels: NDArray, minimum_n: int) -> dict[str, Record]:
        """The distance of an edit that does nothing: for each cell, test images before the edit to real ones after it.

        Args:
            features: features (N, D) of the test images.
            labels: labels (N, A) of the test images.
            minimum_n: if either side has fewer images than this, the cell gets no distance.

        Returns:
            ``{cell: {"value", "n", "n_real"}}`` for n test images and n_real real images.
        """
        found: dict[str, Record] = {}
        for cell in self.space.cells:
            (column, value), after = self.space.contrast(cell)
            tests, n_real = features[labels[:, column] == value], self.count(*after)
            if min(len(tests), n_real) < max(minimum_n, 2):
                reason = f"{self.space.sides.format(len(tests), n_real)}, fewer than {minimum_n}"
                found[cell] = {"value": None, "reason": reason}
            else:
                found[cell] = {"value": self.statistics(*after).distance(tests), "n": len(tests), "n_real": n_real}
        return found

    def _turn_to(self, column: int | None) -> None:
        """Forgets the statistics of any other column."""
        if column != self._column:
            self._column = column
            self._statistics.clear()
            self._kernels.clear()

    def _halves(self, rows: NDArray[np.intp], minimum_n: int) -> Record:
        order = rows[np.random.default_rng(self.seed).permutation(len(rows))]
        half = len(order) // 2
        if half < max(minimum_n, 2):
            return {"value": None, "reason": f"{half} images in a half, fewer than {minimum_n}"}
        value = RealStatistics(self.features[order[half : 2 * half]]).distance(self.features[order[:half]])
        return {"value": value, "n": half}


class MatchedReals(Reals):
    """Real images chosen for the edits of one cell: they have the labels that the edits aim at and show other people.

    A distance to all images with a value of an attribute also measures how the other labels are composed: real faces
    with a mustache are mostly men, true edits of women are not. A distance to matched images does not.

    Args:
        features, labels, space, seed: as for :class:`Reals`, of M images.
        edits: (M,) the edit for which each image was chosen. Edits without an image take no part in the distance.
        differing: (M,) in how many labels each image differs from what its edit aims at.
    """

    def __init__(
        self,
        features: NDArray[np.float32],
        labels: NDArray,
        space: LabelSpace,
        seed: int,
        edits: NDArray[np.integer],
        differing: NDArray[np.integer],
    ) -> None:
        super().__init__(features, labels, space, seed)
        self.edits = np.asarray(edits)
        self.differing = np.asarray(differing)
