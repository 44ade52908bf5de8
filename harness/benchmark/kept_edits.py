"""The edits of a cell, kept until it is done, so that none is made twice."""

from __future__ import annotations

import os
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray


class KeptEdits:
    """Edits in their order, in a file that vanishes with this object: many of them do not fit the memory."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._shape: tuple[int, ...] = ()

    def add(self, edits: NDArray[np.uint8]) -> None:
        """Takes the next edits, (M, H, W, 3)."""
        self._shape = edits.shape[1:]
        self._file.seek(0, os.SEEK_END)
        self._file.write(edits.tobytes())

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Some of those that were added, by their place, (K, H, W, 3)."""
        size = int(np.prod(self._shape))
        found = np.empty((len(rows), *self._shape), np.uint8)
        for image, row in zip(found, rows.tolist(), strict=True):
            self._file.seek(row * size)
            image[:] = np.frombuffer(self._file.read(size), np.uint8).reshape(self._shape)
        return found
