"""Collects results of many images, batch by batch, in arrays that are allocated at the start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Gathered:
    """Collects rows that come batch by batch in one array.

    A list of small arrays would lie in memory between the large temporary arrays of the batches. The gaps left by
    those would be slightly too small for the next batch: memory would grow by 6 MiB with every 32 photos.

    Args:
        total: number of rows that will come.
    """

    def __init__(self, total: int) -> None:
        self.taken = 0
        self._total = total
        self._array: NDArray[Any] | None = None

    def add(self, rows: NDArray[Any]) -> None:
        """Adds the next rows (M, ...); rows beyond the total are counted but not kept."""
        if self._array is None:
            self._array = np.empty((self._total, *rows.shape[1:]), rows.dtype)
        room = self._array[self.taken : self.taken + len(rows)]
        room[:] = rows[: len(room)]
        self.taken += len(rows)

    @property
    def rows(self) -> NDArray[Any]:
        """All rows so far; at least one call of `add` must come before."""
        assert self._array is not None
        return self._array[: self.taken]
