"""Which files of a run directory are what was written: the hashes that records carry of other files, put to use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridgebench.eval.records.details import Details
from bridgebench.eval.records.directory import Place, RunDirectory
from bridgebench.eval.records.marks import MARK, Mark
from bridgebench.eval.records.measured import Baselines, CachedArrays, CellRecord, CostRecord, SharedPictures
from bridgebench.eval.records.record import Record
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.seal import file_hash
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import real_path

_KINDS: dict[str, type[Record]] = {
    "cache": CachedArrays,
    "cells": CellRecord,
    "cost": CostRecord,
    "details": Details,
    "samples": SharedPictures,
}


class Listing:
    """The files whose hashes the records of a run directory carry.

    Two records may list different hashes of one picture that they share (another version of zlib packs pixels
    otherwise): each of them is right.

    Args:
        root: the run directory.
        listings: the field ``files`` of each record.
    """

    def __init__(self, root: Path, listings: Iterable[Mapping[str, str]]) -> None:
        self._root = root
        self._hashes: dict[str, set[str]] = {}
        for files in listings:
            for name, found in files.items():
                self._hashes.setdefault(name, set()).add(found)

    def problem(self, path: Path) -> str | None:
        """What is wrong with a file; None: nothing, or there is no such file."""
        if not os.path.lexists(path):
            return None
        try:
            found = file_hash(path)
        except (OSError, ValueError) as error:
            return str(error)
        listed = self._hashes.get(path.relative_to(self._root).as_posix())
        return None if listed is None or found in listed else "its content is not what was written"


def damaged(run: RunDirectory, paths: Iterable[Path]) -> dict[Path, str]:
    """What is wrong with files of a run directory: records changed, pictures cut short, folders in a file's place, ...

    Args:
        run: the run directory.
        paths: files in it by their names; those that are not there are passed over.
    """
    found, listings = {}, list[Mapping[str, str]]()
    present = [path for path in dict.fromkeys(paths) if os.path.lexists(path)]
    for path in present:
        try:
            listings.append(_listed_in(run, path))
        except ValueError as error:
            found[path] = str(error)
    listing = Listing(run.root, listings)
    for path in present:
        if path not in found and (problem := listing.problem(path)) is not None:
            found[path] = problem
    return found


def check_whole(run: RunDirectory, record: RunRecord) -> None:
    """Refuses a run of whose files one is not what was written.

    Args:
        run: the run directory.
        record: names the methods whose files are looked at.

    Raises:
        UserError: it names the first such file.
    """
    found = damaged(run, [run.run_file, run.baselines_file, *run.named_files(record)])
    if found:
        path, why = next(iter(found.items()))
        raise UserError(
            f"{path} is damaged ({why}), and {len(found) - 1} other files: `bridgebench benchmark` makes them again, "
            "or get the records anew."
            if len(found) > 1
            else f"{path} is damaged ({why}): `bridgebench benchmark` makes it again, or get the records anew."
        )


def damaged_cells(run: RunDirectory, places: Iterable[Place], found: Mapping[Path, str]) -> dict[Path, str]:
    """The files of the cells that have a damaged file or lack one: a cell is made as a whole.

    Args:
        run: the run directory.
        places: of the cells.
        found: what `damaged` has found in the files of these cells.
    """
    more: dict[Path, str] = {}
    for place in places:
        files = [run.cell_file(*place), *run.own_files(*place)]
        record = None if files[0] in found else CellRecord.find(files[0])
        listed = [run.root / name for name in record.files] if record is not None else []
        if any(path in found for path in files) or not all(path in files and path.is_file() for path in listed):
            more |= {path: "another file of its cell is damaged or gone" for path in files if os.path.lexists(path)}
    return more


def _listed_in(run: RunDirectory, path: Path) -> Mapping[str, str]:
    """The hashes of other files that a file lists; none, if it is no record.

    Raises:
        ValueError: the file should be a record, and is damaged.
    """
    kind = _kind(run, path)
    if kind is None:
        return {}
    record, _ = kind.load(path)
    if isinstance(record, CellRecord) and path != run.cell_file(record.method, record.mode, record.attribute):
        raise ValueError("it is the record of another cell")
    return record.files if isinstance(record, CellRecord | SharedPictures | CachedArrays) else {}


def _kind(run: RunDirectory, path: Path) -> type[Record] | None:
    """Which record a file of a run directory holds; None: it is no record."""
    if path.suffix != ".json":
        return None
    whole: dict[Path, type[Record]] = {
        run.run_file: RunRecord,
        run.baselines_file: Baselines,
        run.root / MARK: Mark,
    }
    return whole.get(path) or _KINDS.get(path.relative_to(run.root).parts[0])


def has_all(root: Path, files: Mapping[str, str]) -> bool:
    """Whether all files that one record lists are there and are what was written."""
    listing = Listing(root, [files])
    # A name out of a record is not believed to be one of ours: nothing outside the folder is opened.
    paths = [root / name for name in files]
    return all(path.is_file() and real_path(path).is_relative_to(real_path(root)) for path in paths) and all(
        listing.problem(path) is None for path in paths
    )


def shares_all(root: Path, path: Path, protocol_hash: str) -> bool:
    """Whether the pictures that cells share are there, by the record at `path`, and are what was written."""
    found = SharedPictures.find(path)
    return found is not None and found.protocol_hash == protocol_hash and has_all(root, found.files)


def is_whole(root: Path, cell: CellRecord) -> bool:
    """Whether all files that were made with a cell are there and are what was written."""
    return bool(cell.reason is not None or cell.files) and has_all(root, cell.files)
