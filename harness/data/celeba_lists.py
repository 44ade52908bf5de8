"""CelebA's two lists, labels and partition, as they are found: as published, or as CSV, with what is wrong by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
PUBLISHED_COUNT = 202_599
_LARGEST = 2**28  # bytes of a list; the published ones have 27 MB
PUBLISHED_SPLITS = {"train": 162_770, "validation": 19_867, "test": 19_962}
"""The published partition goes by file order: train first, test last."""


@dataclass(frozen=True)
class Problem:
    """Something wrong in a list.

    Attributes:
        line: number of the line, from 1; 0: the list as a whole.
        what: what is wrong with it, as the end of a sentence that begins with the line.
        photo: the photo that has no label or split because of it, where it is known.
    """

    line: int
    what: str
    photo: str | None = None

    def tell(self, path: Path) -> str:
        """The problem as a sentence without its full stop."""
        return f"{path} line {self.line} {self.what}" if self.line else f"{path} {self.what}"


@dataclass(frozen=True)
class Labels:
    """The label list.

    Attributes:
        path: the file.
        ids: photos (N), in the order of the list.
        positions: (N) the place of each among all lines of the list, whole or not, from 0.
        lines: how many lines for photos the list has, whole or not.
        names: attributes (A).
        values: (N, A) of -1 and 1.
        problems: lines that are not whole; their photos are not in `ids`.
    """

    path: Path
    ids: list[str]
    positions: NDArray[np.int64]
    lines: int
    names: list[str]
    values: NDArray[np.int8]
    problems: list[Problem]


@dataclass(frozen=True)
class Partition:
    """The partition list: the split of each photo, as a place in ``SPLITS``; problems as in :class:`Labels`.

    `path` is None where there is no such list.
    """

    path: Path | None
    codes: dict[str, int]
    problems: list[Problem]


def read_labels(path: Path) -> Labels:
    """Reads ``list_attr_celeba.txt``, or Kaggle's ``.csv`` of it; extra spaces and empty lines count for nothing.

    Raises:
        UserError: the file cannot be read, or its head is not that of a label list.
    """
    lines = _lines(path)
    csv = path.suffix == ".csv"
    cut = _cells(csv)
    count, names, first = (None, cut(lines[0])[1:], 1) if csv and lines else _head(path, lines)
    if not names:
        raise UserError(f"{path} is damaged: its head should name the attributes; fetch it again.")
    rows = [(number, line) for number, line in enumerate(lines[first:], first + 1) if line.strip()]
    found = _fast(rows, len(names)) or _slow(rows, cut, len(names))
    if count not in (None, len(rows)):
        found.problems.insert(
            0, Problem(0, f"says at its head that there are {count} photos, but {len(rows)} lines follow")
        )
    return Labels(path, found.ids, np.array(found.positions), len(rows), names, found.values, found.problems)


def read_partition(path: Path) -> Partition:
    """Reads ``list_eval_partition.txt`` or ``.csv``.

    Raises:
        UserError: the file cannot be read.
    """
    cut = _cells(path.suffix == ".csv")
    codes: dict[str, int] = {}
    problems: list[Problem] = []
    doubtful: set[str] = set()
    for number, line in enumerate(_lines(path), 1):
        cells = cut(line)
        if not line.strip() or cells[0] == "image_id":
            continue
        photo = _photo(cells[0])
        if photo is None or len(cells) != 2 or cells[1] not in ("0", "1", "2"):
            problems.append(Problem(number, "should be a file name and 0, 1 or 2", photo))
        elif photo in codes:
            problems.append(Problem(number, f"names {photo} a second time"))
            doubtful |= {photo} if codes[photo] != int(cells[1]) else set()
        else:
            codes[photo] = int(cells[1])
    return Partition(path, {photo: code for photo, code in codes.items() if photo not in doubtful}, problems)


def implied_partition(labels: Labels) -> Partition:
    """The partition of a data root that lacks the list: as published, which goes by file order.

    Of the whole of CelebA, and of a part of it whose files still have their published numbers, it is the very same. Of
    any other set of photos the first ones train and the last ones test, in the published shares.
    """
    ends = np.cumsum([PUBLISHED_SPLITS[split] for split in SPLITS])
    numbers = _published_numbers(labels)
    places, count = (labels.positions, labels.lines) if numbers is None else (numbers - 1, PUBLISHED_COUNT)
    codes = np.searchsorted(ends * count // PUBLISHED_COUNT, places, side="right")
    return Partition(None, dict(zip(labels.ids, codes.tolist(), strict=True)), [])


def _published_numbers(labels: Labels) -> NDArray[np.int64] | None:
    """The numbers of files named 000001.jpg to 202599.jpg, where they go beyond the training photos'."""
    stems = [name.rpartition(".")[0] for name in labels.ids]
    if not stems or not all(len(stem) == len("000001") and stem.isascii() and stem.isdigit() for stem in stems):
        return None
    numbers = np.array([int(stem) for stem in stems])
    return numbers if PUBLISHED_SPLITS["train"] < numbers.max() <= PUBLISHED_COUNT and numbers.min() > 0 else None


@dataclass
class _Rows:
    ids: list[str]
    positions: list[int] | NDArray[np.int64]
    values: NDArray[np.int8]
    problems: list[Problem]


def _fast(rows: list[tuple[int, str]], width: int) -> _Rows | None:
    """All rows at once, or None where any of them is not whole."""
    try:
        pairs = [line.replace(",", " ").split(maxsplit=1) for _, line in rows]
        ids = [pair[0] for pair in pairs]
        values = np.loadtxt([pair[1] for pair in pairs], np.int8, ndmin=2, comments=None)
    except (ValueError, IndexError, OverflowError):
        return None
    whole = values.shape == (len(ids), width) and np.isin(values, (-1, 1)).all()
    if not whole or len(set(ids)) != len(ids) or not all(map(_photo, ids)):
        return None
    return _Rows(ids, np.arange(len(ids)), values, [])


def _slow(rows: list[tuple[int, str]], cut: Callable[[str], list[str]], width: int) -> _Rows:
    """Row by row, with what is wrong."""
    found: dict[str, tuple[int, list[int]]] = {}
    lines: dict[str, int] = {}
    problems = []
    for position, (number, line) in enumerate(rows):
        cells = cut(line)
        photo = _photo(cells[0])
        if photo is None:
            problems.append(Problem(number, f"should begin with a file name, not with '{cells[0][:40]}'"))
        elif photo in lines:
            problems.append(Problem(number, f"names {photo} a second time (line {lines[photo]} does so first)"))
        elif len(cells) != width + 1:
            problems.append(Problem(number, f"holds {len(cells) - 1} values, not {width}", photo))
        elif (wrong := next((cell for cell in cells[1:] if cell not in ("-1", "1")), None)) is not None:
            problems.append(Problem(number, f"holds '{wrong[:40]}', where only -1 and 1 may stand", photo))
        else:
            found[photo] = (position, [int(cell) for cell in cells[1:]])
        if photo is not None:
            lines.setdefault(photo, number)
    values = np.array([values for _, values in found.values()], np.int8).reshape(len(found), width)
    return _Rows(list(found), [position for position, _ in found.values()], values, problems)


def _head(path: Path, lines: Sequence[str]) -> tuple[int, list[str], int]:
    """Count, names, and how many lines that is."""
    try:
        return int(lines[0]), lines[1].split(), 2
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{path} is damaged: it should begin with a line that holds a count and a line of names; fetch it again."
        ) from error


def _lines(path: Path) -> list[str]:
    try:
        return read_bytes(path, _LARGEST).decode("utf-8-sig", errors="replace").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def _cells(csv: bool) -> Callable[[str], list[str]]:
    """Cuts a line into its cells, at least one."""
    if csv:
        return lambda line: [cell.strip().strip('"') for cell in line.split(",")]
    return lambda line: line.split() or [""]


def _photo(name: str) -> str | None:
    """The name, if it can be that of a photo beside the others."""
    return name if name and "." in name and not set(name) & set('/\\:"') and not name.startswith(".") else None
