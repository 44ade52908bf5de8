"""What is kept of many images, batch by batch, in arrays that stand from the start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Gathered:
    """Rows that come batch by batch, put into one array.

    Kept as they come, these small arrays would lie between the large ones of a batch that come and go, and the gaps
    that these leave would be a little too small for those of the next batch: 6 MiB more with every 32 photos.

    Args:
        total: how many rows will come.
    """

    def __init__(self, total: int) -> None:
        self.taken = 0
        self._total = total
        self._array: NDArray[Any] | None = None

    def add(self, rows: NDArray[Any]) -> None:
        """Takes the next rows, (M, ...); those beyond the total are counted, but not kept."""
        if self._array is None:
            self._array = np.empty((self._total, *rows.shape[1:]), rows.dtype)
        room = self._array[self.taken : self.taken + len(rows)]
        room[:] = rows[: len(room)]
        self.taken += len(rows)

    @property
    def rows(self) -> NDArray[Any]:
        """All rows that have come; at least some must have."""
        assert self._array is not None
        return self._array[: self.taken]
