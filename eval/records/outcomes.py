"""What is kept of every single edit of a cell: its image, labels, the judges' answers, its features and its measures.

It is one compressed NumPy file a cell, below 100 kB for 400 edits. All means of the cell's record, their intervals and
paired tests between methods can be computed from it without any network. The same edits give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.arrays import DAMAGED, pack, unpack
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes, write_bytes

MOST_FEATURES = 128  # features of larger spaces (Inception's 2,048) would make a file of megabytes
_DISPENSABLE = ("before", "after", "after_second", "features")  # published archives lack them
_VALUE = "value/"
_UNIT = "unit/"
_GROUP = "group/"

# dtype, and the number of axes: the edits, then the label columns (or the features).
_ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "source": (np.int32, 1),
    "reference": (np.int32, 1),
    "draw": (np.int32, 1),
    "step": (np.float32, 1),
    "flipped": (np.bool_, 2),
    "source_labels": (np.uint8, 2),
    "target_labels": (np.uint8, 2),
    "seen": (np.bool_, 2),
    "seen_second": (np.bool_, 2),
    "before": (np.float16, 2),
    "after": (np.float16, 2),
    "after_second": (np.float16, 2),
    "features": (np.float16, 2),
}


@dataclass(frozen=True)
class Outcomes:
    """``outcomes/<method>/<mode>/<column>.npz``: P edits, with A label columns, in the order in which they were made.

    Attributes:
        key: key of the cell's record; another key belongs to an older record.
        source: (P,) int32, index of each edited image among the test images.
        reference: (P,) int32, index of its reference; -1: an edit by label.
        draw: (P,) int32, number of the edit among the edits of its source.
        step: (P,) float32, how far the edit goes: a share of the method's default strength, or of the way from the
            reference to the label; NaN in other cells.
        flipped: (P, A) bool, the columns that the edit is asked to flip; where others differ between the labels, the
            flip rule repairs them.
        source_labels, target_labels: (P, A) uint8, 0 or 1.
        seen, seen_second: (P, A) bool, the labels that the primary and the second judge read in the edit.
        before, after, after_second: (P, A) float16 in [0, 1], probabilities of the primary judge for the source and
            for the edit, and of the second judge for the edit; (P, 0) in published archives.
        features: (P, D) float16 in the run's feature space; (P, 0) where the space has more than 128 dimensions, and
            in published archives.
        values: by the key of a measure, (P,) float32: the measure of each edit, NaN where it has none.
        units: by name, (P,) float32: what the amounts of measures that are ratios of sums are held against
            (`eval.statistics.ratios`); records of older versions have none.
        groups: by sort, (P,) uint8: the group of each source that no label tells, such as the "skin" of drawn faces.
    """

    key: str
    source: NDArray[np.int32]
    reference: NDArray[np.int32]
    draw: NDArray[np.int32]
    step: NDArray[np.float32]
    flipped: NDArray[np.bool_]
    source_labels: NDArray[np.uint8]
    target_labels: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    seen_second: NDArray[np.bool_]
    before: NDArray[np.float16]
    after: NDArray[np.float16]
    after_second: NDArray[np.float16]
    features: NDArray[np.float16]
    values: dict[str, NDArray[np.float32]]
    units: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    groups: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    def without_readings(self) -> Outcomes:
        """The same without features and probabilities, (P, 0): a quarter of the size, and enough for all tables."""
        fewer = {name: getattr(self, name)[:, :0] for name in _DISPENSABLE}
        return replace(self, **fewer)

    def write(self, path: Path) -> None:
        """Writes the file, all of it or nothing.

        Raises:
            CannotWrite: the file cannot be written.
        """
        write_bytes(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The content of the file."""
        # In rows: the reader takes no other order.
        arrays: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name), kind) for name, (kind, _) in _ARRAYS.items()
        }
        arrays |= {f"{_VALUE}{name}": np.asarray(values, np.float32) for name, values in self.values.items()}
        arrays |= {f"{_UNIT}{name}": np.asarray(values, np.float32) for name, values in self.units.items()}
        arrays |= {f"{_GROUP}{name}": np.asarray(rows, np.uint8) for name, rows in self.groups.items()}
        return pack({"key": np.array(self.key), **arrays})

    @classmethod
    def read(cls, path: Path) -> Outcomes:
        """The outcomes in a file.

        Raises:
            UserError: the file is missing, damaged or holds something else.
        """
        try:
            arrays = unpack(read_bytes(path, follow=False))
            _check(arrays)
        except DAMAGED as error:
            raise UserError(f"{path} is damaged ({error}); delete it and run `bridgebench benchmark` again.") from error
        values, units, groups = (
            {name.removeprefix(prefix): rows for name, rows in arrays.items() if name.startswith(prefix)}
            for prefix in (_VALUE, _UNIT, _GROUP)
        )
        kept = {name: arrays[name] for name in _ARRAYS}
        return cls(str(arrays["key"]), **kept, values=values, units=units, groups=groups)

    @classmethod
    def find(cls, path: Path, key: str) -> Outcomes | None:
        """The outcomes of the cell with that key; None if there is no file, a damaged one, or one of another key."""
        try:
            found = cls.read(path)
        except UserError:
            return None
        return found if found.key == key else None


def _check(arrays: dict[str, NDArray[Any]]) -> None:
    """Raises ValueError or KeyError if an array is missing, or of another type or length than the others."""
    if arrays["key"].shape or arrays["key"].dtype.kind != "U":
        raise ValueError("its key is no text")
    count, columns = arrays["source_labels"].shape
    for name, (kind, axes) in _ARRAYS.items():
        found = arrays[name]
        width = () if axes == 1 else (columns,)
        if name == "features" or (name in _DISPENSABLE and found.shape[1:] == (0,)):
            width = found.shape[-1:]
        if found.dtype != kind or found.shape != (count, *width):
            raise ValueError(f"{name} has the type {found.dtype} and the shape {found.shape}")
    for name, found in arrays.items():
        for prefix, kind in ((_VALUE, np.float32), (_UNIT, np.float32), (_GROUP, np.uint8)):
            if name.startswith(prefix) and (found.dtype != kind or found.shape != (count,)):
                raise ValueError(f"{name} has the type {found.dtype} and the shape {found.shape}")
