"""The real side of all distances of a run: features computed once, a subset's statistics computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bridgebench.eval.distances.frechet import RealStatistics
from bridgebench.eval.distances.kernel import KernelReal
from bridgebench.methods.core.conversions import conversions
from numpy.typing import NDArray

Record = dict[str, Any]


class Reals:
    """Features and labels of the real images, and statistics of those that have an attribute's value.

    Statistics are kept for one column at a time (and for all images): a cell needs no other, and in a feature space of
    2,048 dimensions those of every column would fill the memory.

    Args:
        features: (M, D); may be read from disk as it is indexed.
        labels: (M, A) of 0 and 1.
        attributes: names of the label columns.
        seed: of the kernel distance's draw and of the halves of :meth:`floor`.

    Raises:
        ValueError: features and labels of different numbers of images.
    """

    def __init__(self, features: NDArray[np.float32], labels: NDArray, attributes: Sequence[str], seed: int) -> None:
        if len(features) != len(labels) or labels.shape[1] != len(attributes):
            raise ValueError(f"{len(features)} features, labels {labels.shape}, {len(attributes)} attributes")
        self.features = features
        self.labels = np.asarray(labels)
        self.attributes = tuple(attributes)
        self.n = len(features)
        self._seed = seed
        self._column = -1
        self._all: RealStatistics | None = None
        self._statistics: dict[int, RealStatistics] = {}
        self._kernels: dict[int, KernelReal] = {}

    def count(self, column: int, value: int) -> int:
        """How many real images have that value."""
        return int((self.labels[:, column] == value).sum())

    def having(self, column: int, value: int) -> NDArray[np.float32]:
        """Their features."""
        return self.features[self.labels[:, column] == value]

    def statistics(self, column: int | None = None, value: int = 1) -> RealStatistics:
        """The Fréchet distance's real side: the images with that value, or all."""
        if column is None:
            if self._all is None:
                self._all = RealStatistics(self.features)
            return self._all
        self._turn_to(column)
        if value not in self._statistics:
            self._statistics[value] = RealStatistics(self.having(column, value))
        return self._statistics[value]

    def kernel(self, column: int, value: int) -> KernelReal:
        """The kernel distance's real side: the images with that value."""
        self._turn_to(column)
        if value not in self._kernels:
            self._kernels[value] = KernelReal(self.having(column, value), self._seed)
        return self._kernels[value]

    def floor(self, minimum_n: int) -> Record:
        """One random half against the other: the Fréchet distance that real images have. ``{"value", "n"}``."""
        return self._halves(self.features, minimum_n)

    def null(self, minimum_n: int) -> dict[str, Record]:
        """For each attribute, images with it against images without: what an edit that does nothing pays.

        Returns:
            ``{attribute: {"value", "n", "n_real"}}``; n have the attribute, n_real have not.
        """
        found: dict[str, Record] = {}
        for column, attribute in enumerate(self.attributes):
            n, n_real = self.count(column, 1), self.count(column, 0)
            if min(n, n_real) < max(minimum_n, 2):
                reason = f"{n} images with it and {n_real} without, fewer than {minimum_n}"
                found[attribute] = {"value": None, "reason": reason}
            else:
                value = self.statistics(column, 0).distance(self.having(column, 1))
                found[attribute] = {"value": value, "n": n, "n_real": n_real}
        return found

    def floor_of_domains(self, minimum_n: int) -> Record:
        """As :meth:`floor`, within each domain; the mean over the domains, n the smallest half."""
        halves = [self._halves(self.having(column, 1), minimum_n) for column in range(len(self.attributes))]
        if any(half["value"] is None for half in halves):
            return next(half for half in halves if half["value"] is None)
        return {"value": float(np.mean([half["value"] for half in halves])), "n": min(half["n"] for half in halves)}

    def null_of_conversions(self, features: NDArray[np.float32], labels: NDArray, minimum_n: int) -> dict[str, Record]:
        """For each conversion, test images of its source domain against the real ones of its target domain.

        Args:
            features: of the test images, (N, D).
            labels: theirs, (N, A).
            minimum_n: fewer images than this on either side: no distance.
        """
        found: dict[str, Record] = {}
        for conversion in conversions(self.attributes):
            source, target = (self.attributes.index(domain) for domain in conversion)
            tests, n_real = features[labels[:, source] == 1], self.count(target, 1)
            if min(len(tests), n_real) < max(minimum_n, 2):
                reason = f"{len(tests)} test images against {n_real} real ones, fewer than {minimum_n}"
                found[conversion.name] = {"value": None, "reason": reason}
            else:
                value = self.statistics(target, 1).distance(tests)
                found[conversion.name] = {"value": value, "n": len(tests), "n_real": n_real}
        return found

    def _turn_to(self, column: int) -> None:
        """Forgets the statistics of any other column."""
        if column != self._column:
            self._column = column
            self._statistics.clear()
            self._kernels.clear()

    def _halves(self, features: NDArray[np.float32], minimum_n: int) -> Record:
        order = np.random.default_rng(self._seed).permutation(len(features))
        half = len(features) // 2
        if half < max(minimum_n, 2):
            return {"value": None, "reason": f"{half} images in a half, fewer than {minimum_n}"}
        value = RealStatistics(features[order[half : 2 * half]]).distance(features[order[:half]])
        return {"value": value, "n": half}
