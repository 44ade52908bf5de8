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
        return {
            attribute: self._from(self.having(column, 1), column, 0, "{} images with it and {} without", minimum_n)
            for column, attribute in enumerate(self.attributes)
        }

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
            tests = features[labels[:, source] == 1]
            found[conversion.name] = self._from(tests, target, 1, "{} test images against {} real ones", minimum_n)
        return found

    def _from(self, features: NDArray[np.float32], column: int, value: int, counts: str, minimum_n: int) -> Record:
        """The distance of images to the reals with that value; with too few on a side the reason, made of `counts`."""
        n, n_real = len(features), self.count(column, value)
        if min(n, n_real) < max(minimum_n, 2):
            return {"value": None, "reason": f"{counts.format(n, n_real)}, fewer than {minimum_n}"}
        return {"value": self.statistics(column, value).distance(features), "n": n, "n_real": n_real}

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
