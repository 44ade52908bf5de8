"""Reads the table of a folder of images: ``metadata.csv`` or ``metadata.jsonl``, as of Hugging Face's imagefolder.

A line is an image. Its column ``file_name`` is the path from the table to the file; all other columns are free.
Whatever is wrong is told with the file and the line. Columns are read as a whole, so that a million lines take seconds.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.photo_sources import SUFFIXES, inside, is_photo
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.files import read_bytes

FILES = ("metadata.csv", "metadata.jsonl")
FILE_NAME = "file_name"
LONGEST_SHOWN = 40  # characters of a value in a message
_LARGEST = 2**30  # bytes of a table
_CHUNK = 100_000  # lines

# What a label may be written as. Numbers of JSON and of tables that pandas wrote are among them.
_ZERO, _ONE, _MINUS = ("0", "0.0", "false"), ("1", "1.0", "true"), ("-1", "-1.0")
_VALUES = {**dict.fromkeys(_ZERO, 0), **dict.fromkeys(_ONE, 1), **dict.fromkeys(_MINUS, -1)}


@dataclass(frozen=True)
class Metadata:
    """A table of images.

    Attributes:
        path: the file.
        files: (N) paths of the images from the table's folder, with slashes; each is safe to open, and none is there
            twice.
        lines: (N) the line of each image in the file, from 1.
        columns: the other columns that were asked for, by name: N texts each.
        names: the names of all other columns.
    """

    path: Path
    files: list[str]
    lines: list[int]
    columns: dict[str, list[str]]
    names: list[str]

    def labels(self, names: Sequence[str]) -> NDArray[np.uint8]:
        """The labels (N, A) of 0 and 1 in some columns.

        Raises:
            UserError: a value is not one of 0 and 1, -1 and 1, true and false; or a column has both 0 and -1.
        """
        found = [self._binary(name) for name in names]
        return np.stack(found, axis=1) if self.files else np.empty((0, len(names)), np.uint8)

    def texts(self, name: str) -> list[str]:
        """A column of names, as of people; none is empty.

        Raises:
            UserError: an image has no value there.
        """
        values = [value.strip() for value in self.columns[name]]
        if not all(values):
            raise self._wrong(values.index(""), f"has no value in the column '{name}'")
        return values

    def _binary(self, name: str) -> NDArray[np.uint8]:
        column = self.columns[name]
        known = {value: _VALUES.get(value.strip().lower()) for value in set(column)}
        wrong = {value for value, meant in known.items() if meant is None}
        if wrong:
            place = next(place for place, value in enumerate(column) if value in wrong)
            said = f"'{_short(column[place])}'" if column[place].strip() else "no value"
            raise self._wrong(place, f"has {said} for '{name}', where 0 and 1, -1 and 1, or true and false may stand")
        values = np.fromiter(map(known.__getitem__, column), np.int8, len(column))
        if {0, -1} <= {*known.values()}:
            place = int(np.flatnonzero(values == -1)[0])
            raise self._wrong(place, f"has -1 for '{name}', which is 0 in other lines: write one of them for 'without'")
        return (values == 1).astype(np.uint8)

    def _wrong(self, place: int, what: str) -> UserError:
        return UserError(f"{self.path} line {self.lines[place]} {what}.")


def find_metadata(folder: Path) -> Path | None:
    """The table of a folder; None if it has none.

    Raises:
        UserError: there are two, or it is a link that leads out of the folder.
    """
    found = [inside(folder / name, folder) for name in FILES if (folder / name).is_file()]
    if len(found) > 1:
        raise UserError(f"{folder} has both {' and '.join(FILES)}: keep one of them, so that it is clear which counts.")
    return found[0] if found else None


def read_metadata(path: Path, wanted: Sequence[str] | None = None) -> Metadata:
    """Reads a table.

    Args:
        path: ``metadata.csv`` (UTF-8, with or without a byte order mark, any ends of lines) or ``metadata.jsonl``.
        wanted: names of the columns to read; None: all of them.

    Raises:
        UserError: the table cannot be read, lacks a column, has a line that is damaged, a path that leads out of its
            folder or is no picture's, or names a file twice.
    """
    try:
        data = read_bytes(path, _LARGEST)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(f"{path} line {line} is not written in UTF-8: save the table as UTF-8.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    names, chunks = _read_csv(path, text) if path.suffix == ".csv" else _read_jsonl(path, text)
    if FILE_NAME not in names:
        hint = did_you_mean(FILE_NAME, names)
        if len(names) == 1 and set(names[0]) & {";", "\t"}:
            hint = " Its columns should be separated by commas."
        raise UserError(f"{path} has no column '{FILE_NAME}', which names the file of each image.{hint}")
    others = [name for name in names if name != FILE_NAME]
    for name in wanted or ():
        if name not in others:
            raise UserError(f"{path} has no column '{name}'.{did_you_mean(name, others)}")
    kept = others if wanted is None else list(dict.fromkeys(wanted))
    files: list[str] = []
    lines: list[int] = []
    columns: dict[str, list[str]] = {name: [] for name in kept}
    for numbers, found in chunks:
        lines += numbers
        files += [_safe(path, number, name) for number, name in zip(numbers, found[FILE_NAME], strict=True)]
        for name in kept:
            columns[name] += found[name]
    if not files:
        raise UserError(f"{path} names no image.")
    if len(set(files)) != len(files):
        raise _twice(path, files, lines)
    return Metadata(path, files, lines, columns, others)


_Chunks = Iterator[tuple[list[int], dict[str, list[str]]]]


def _read_csv(path: Path, text: str) -> tuple[list[str], _Chunks]:
    """The names of the columns, and the lines in parts: their numbers, and the values by column."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = _csv_rows(path, reader)
    names = [name.strip() for name in next((row for _, row in rows), [])]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise UserError(f"{path} has two columns '{_short(twice)}'.")

    def chunks() -> _Chunks:
        numbers: list[int] = []
        found: list[list[str]] = []
        for number, row in rows:
            if len(row) != len(names):
                raise UserError(f"{path} line {number} has {len(row)} values, and the head names {len(names)} columns.")
            numbers.append(number)
            found.append(row)
            if len(found) == _CHUNK:
                yield numbers, dict(zip(names, map(list, zip(*found, strict=True)), strict=True))
                numbers, found = [], []
        if found:
            yield numbers, dict(zip(names, map(list, zip(*found, strict=True)), strict=True))

    return names, chunks()


def _csv_rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The lines with their numbers, those that are empty aside."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{path} line {reader.line_num} is damaged ({error}).") from error
        if row:
            yield reader.line_num, row


def _read_jsonl(path: Path, text: str) -> tuple[list[str], _Chunks]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    names = list(_json_row(path, *lines[0])) if lines else []

    def chunks() -> _Chunks:
        for start in range(0, len(lines), _CHUNK):
            part = lines[start : start + _CHUNK]
            rows = [_json_row(path, number, line) for number, line in part]
            for (number, _), row in zip(part, rows, strict=True):
                if row.keys() != set(names):
                    lacking = [*(set(names) - row.keys()), *(row.keys() - set(names))]
                    where = "is lacking" if set(names) - row.keys() else "is in no line before"
                    raise UserError(f"{path} line {number}: the key '{_short(sorted(lacking)[0])}' {where}.")
            yield [number for number, _ in part], {name: [_as_text(row[name]) for row in rows] for name in names}

    return names, chunks()


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} line {number} is not JSON ({str(error)[:80]}).") from error
    if not isinstance(row, dict):
        raise UserError(f"{path} line {number} should be a table in braces, with a key for each column.")
    return row


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _safe(path: Path, number: int, name: str) -> str:
    """A file's path in its plain form.

    Raises:
        UserError: it leads out of the folder, or names no picture.
    """
    plain = name
    if not name.isprintable() or "\\" in name or ":" in name or name.startswith("/"):
        raise UserError(
            f"{path} line {number}: the file name '{_short(name)}' should be a path from the table's folder, with "
            "slashes alone between folders."
        )
    if "./" in name or "//" in name or ".." in name:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise UserError(f"{path} line {number}: the file name '{_short(name)}' leads out of the folder.")
        plain = "/".join(parts)
    if not is_photo(plain.rpartition("/")[2]):
        said = f"'{_short(name)}'" if name else "nothing"
        raise UserError(f"{path} line {number}: {said} is no picture's name, which ends in {', '.join(SUFFIXES)}.")
    return plain


def _twice(path: Path, files: list[str], lines: list[int]) -> UserError:
    first: dict[str, int] = {}
    for name, line in zip(files, lines, strict=True):
        if name in first:
            return UserError(
                f"{path} line {line} names {_short(name)} a second time; line {first[name]} does so first."
            )
        first[name] = line
    raise AssertionError("no file is there twice")


def _short(text: str) -> str:
    """A value for a message: no longer than a line, and without signs that a terminal obeys."""
    shown = "".join(each if each.isprintable() else "?" for each in text[:LONGEST_SHOWN])
    return f"{shown}..." if len(text) > LONGEST_SHOWN else shown
