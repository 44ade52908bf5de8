"""The real side of all distances of a run: features computed once, each subset's statistics computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.frechet import RealStatistics
from eval.kernel import KernelReal


class Reals:
    """Features and labels of the real images, and statistics of those that have an attribute's value.

    Args:
        features: (M, D).
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
        self._statistics: dict[tuple[int, int] | None, RealStatistics] = {}
        self._kernels: dict[tuple[int, int], KernelReal] = {}

    def count(self, column: int, value: int) -> int:
        """How many real images have that value."""
        return int((self.labels[:, column] == value).sum())

    def having(self, column: int, value: int) -> NDArray[np.float32]:
        """Their features."""
        return self.features[self.labels[:, column] == value]

    def statistics(self, column: int | None = None, value: int = 1) -> RealStatistics:
        """The Fréchet distance's real side: the images with that value, or all."""
        key = None if column is None else (column, value)
        if key not in self._statistics:
            chosen = self.features if column is None else self.having(column, value)
            self._statistics[key] = RealStatistics(chosen)
        return self._statistics[key]

    def kernel(self, column: int, value: int) -> KernelReal:
        """The kernel distance's real side: the images with that value."""
        key = (column, value)
        if key not in self._kernels:
            self._kernels[key] = KernelReal(self.having(column, value), self._seed)
        return self._kernels[key]

    def floor(self, minimum_n: int) -> dict[str, Any]:
        """One random half against the other: the Fréchet distance that real images have. ``{"value", "n"}``."""
        order = np.random.default_rng(self._seed).permutation(self.n)
        half = self.n // 2
        if half < max(minimum_n, 2):
            return {"value": None, "reason": f"{half} images in a half, fewer than {minimum_n}"}
        value = RealStatistics(self.features[order[half : 2 * half]]).distance(self.features[order[:half]])
        return {"value": value, "n": half}

    def null(self, minimum_n: int) -> dict[str, dict[str, Any]]:
        """For each attribute, images with it against images without: what an edit that does nothing pays.

        Returns:
            ``{attribute: {"value", "n", "n_real"}}``; n have the attribute, n_real have not.
        """
        found: dict[str, dict[str, Any]] = {}
        for column, attribute in enumerate(self.attributes):
            n, n_real = self.count(column, 1), self.count(column, 0)
            if min(n, n_real) < max(minimum_n, 2):
                reason = f"{n} images with it and {n_real} without, fewer than {minimum_n}"
                found[attribute] = {"value": None, "reason": reason}
            else:
                value = self.statistics(column, 0).distance(self.having(column, 1))
                found[attribute] = {"value": value, "n": n, "n_real": n_real}
        return found
