"""What is kept of the matched real images of a cell: their features and labels, below 100 kB for 400 images.

With it and the outcomes of the edits, the distances of a cell can be computed without any network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.arrays import DAMAGED, pack, unpack
from bridgebench.methods.core.files import read_bytes, write_bytes

# The type and the number of axes of each array.
_ARRAYS: dict[str, tuple[type, int]] = {
    "features": (np.float16, 2),
    "labels": (np.uint8, 2),
    "edits": (np.int32, 1),
    "differing": (np.uint8, 1),
}


@dataclass(frozen=True)
class RealsRecord:
    """``reals/<mode>/<column>.npz``: M real images that stand for what the edits of a cell aim at.

    Attributes:
        key: hash of everything that decides the images; another key belongs to an older record.
        features: (M, D) float16, in the run's feature space.
        labels: (M, A) uint8, 0 or 1.
        edits: (M,) int32, the edit of the cell for which each image was chosen.
        differing: (M,) uint8, in how many labels each image differs from what its edit aims at.
    """

    key: str
    features: NDArray[np.float16]
    labels: NDArray[np.uint8]
    edits: NDArray[np.int32]
    differing: NDArray[np.uint8]

    def write(self, path: Path) -> None:
        """Writes the file, all of it or nothing.

        Raises:
            CannotWrite: the file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {
            name: getattr(self, name).astype(kind) for name, (kind, _) in _ARRAYS.items()
        }
        write_bytes(path, pack({"key": np.array(self.key), **arrays}))

    @classmethod
    def find(cls, path: Path, key: str) -> RealsRecord | None:
        """The record with that key; None if there is no file, a damaged one, or one of another key."""
        try:
            arrays = unpack(read_bytes(path, follow=False))
            stored = str(arrays.pop("key"))
            if any(arrays[name].ndim != axes or arrays[name].dtype != kind for name, (kind, axes) in _ARRAYS.items()):
                raise ValueError("arrays of another type or shape")
            found = cls(stored, **{name: arrays[name] for name in _ARRAYS})
            if len({len(array) for array in arrays.values()}) != 1:
                raise ValueError("arrays of different lengths")
        except DAMAGED:
            return None
        return found if found.key == key else None
