"""Looks at edits that were made elsewhere: which are there, and what is wrong with them. No network, no data set."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.manifest import is_record_path
from bridgebench.eval.records.record import CellKind, Mode
from bridgebench.eval.records.run import MadeElsewhere
from bridgebench.eval.records.seal import file_hash, hash_of
from bridgebench.eval.records.tasks import TaskFolder, TasksRecord, pixels_hash
from bridgebench.harness.processes.progress import meter
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import LARGEST_RECORD, check_links, parse_json, read_bytes
from bridgebench.methods.core.png import WrongSize, most_bytes, png_pixels, read_png

_LARGEST_LINES = 16 * LARGEST_RECORD  # bytes of tasks.jsonl
_FEW = 3  # so many files are named of each sort


@dataclass
class HandedIn:
    """The edits in a folder, as they were found.

    Attributes:
        asked: how many edits are asked for.
        hashes: SHA-256 of the content of each usable edit, by its path in the folder of tasks.
        missing: edits that are not there.
        incomplete: how many edits are missing of how many, by the folder in which some but not all are.
        wrong_size, damaged: edits that cannot be used, each with what is wrong.
        identical: edits that are their source to the pixel, though they are to change something.
        surplus: files that no task asks for.
    """

    asked: int = 0
    hashes: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    incomplete: dict[str, tuple[int, int]] = field(default_factory=dict)
    wrong_size: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    identical: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether there are edits, and none that cannot be used."""
        return bool(self.hashes) and not (self.wrong_size or self.damaged)

    @property
    def digest(self) -> str:
        """Hash over the paths and the hashes of the edits."""
        return hash_of(self.hashes)

    def lines(self) -> list[str]:
        """What was found, a line a sort, for people."""
        found = [f"{len(self.hashes):,} of {self.asked:,} edits are there and can be used."]
        if self.missing:
            parts = [f"{folder} ({lacking} of {of})" for folder, (lacking, of) in self.incomplete.items()]
            where = f"; begun, but not finished: {_some(parts)}" if parts else ""
            found.append(f"{len(self.missing):,} are missing: {_some(self.missing)}{where}.")
        for title, files in (("have the wrong size", self.wrong_size), ("are damaged", self.damaged)):
            if files:
                found.append(f"{len(files):,} {title}: {_some(f'{name} ({why})' for name, why in files.items())}.")
        if self.identical:
            found.append(
                f"{len(self.identical):,} are identical to their source, which may be honest: {_some(self.identical)}."
            )
        if self.surplus:
            found.append(f"{len(self.surplus):,} files are there that no task asks for: {_some(self.surplus)}.")
        return found

    def plain(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "asked": self.asked,
            "there": len(self.hashes),
            "missing": self.missing,
            "wrong_size": self.wrong_size,
            "damaged": self.damaged,
            "identical": self.identical,
            "surplus": self.surplus,
        }


@dataclass(frozen=True)
class Elsewhere:
    """Edits that were made elsewhere, as they were found when they were looked at.

    Attributes:
        folder: where they are; its subfolders are those of ``edits/`` in a folder of tasks.
        modes, kinds: of the cells whose edits were asked for.
        hashes: SHA-256 of the content of each edit that is there, by its path in the folder of tasks.
        cells: the hash of the edits of each cell, by ``mode/name``.
        mixes: whether there are edits that weigh the label against the reference.
        record: what run.json says of them.
    """

    folder: Path
    modes: tuple[Mode, ...]
    kinds: tuple[CellKind, ...]
    hashes: Mapping[str, str]
    cells: Mapping[str, str]
    mixes: bool
    record: MadeElsewhere


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _FEW:,} more" if len(known) > _FEW else ""
    return f"{', '.join(known[:_FEW])}{more}"


def check_folder_of_tasks(folder: TaskFolder) -> TasksRecord:
    """What the folder asks for, if all of it is what was exported; the edits are not looked at.

    Raises:
        UserError: a file was changed, or is gone.
    """
    check_links(folder.root)
    record = folder.read()
    again = "export the tasks again, into another folder, and move your edits there"
    for name, expected in record.files.items():
        try:
            same = file_hash(folder.root / name) == expected
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{folder.root / name} cannot be read ({reason}): {again}.") from error
        if not same:
            raise UserError(f"{folder.root / name} is not what was exported: it was changed; {again}.")
    for name, expected in record.images.items():
        try:
            same = pixels_hash(read_png(folder.root / name, record.image_size)) == expected
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{folder.root / name} cannot be read ({reason}): export the tasks again.") from error
        if not same:
            raise UserError(
                f"{folder.root / name} is not the image that was exported: some program has changed it in place, so "
                "that edits may be of another image; export the tasks again, and edit copies."
            )
    return record


def edits_in(folder: TaskFolder, edits: Path, record: TasksRecord) -> HandedIn:
    """Looks at all edits of a folder of tasks, and decodes each.

    Args:
        folder: the folder of tasks, which was checked.
        edits: where the edits are; its subfolders are those of ``edits/``.
        record: what the folder asks for.

    Raises:
        UserError: `edits` is no folder, or has a link that leads out of it.
    """
    if not edits.is_dir():
        raise UserError(f"There is no folder {edits}: make the edits that {folder.lines_file} asks for there.")
    check_links(edits)
    found, side = HandedIn(), record.image_size
    asked: dict[str, list[bool]] = defaultdict(list)  # whether each edit of a folder is there
    with meter("edits", record.tasks) as shown:
        for number, task in enumerate(tasks_in(folder), 1):
            name = task["edit"]
            found.asked += 1
            try:
                data = read_bytes(edits / within(name), most_bytes(side), follow=False)
                pixels = png_pixels(data, side)
            except FileNotFoundError:
                found.missing.append(name)
            except WrongSize as error:
                found.wrong_size[name] = str(error)
            except (OSError, ValueError) as error:
                found.damaged[name] = getattr(error, "strerror", None) or str(error)
            else:
                found.hashes[name] = sha256(data).hexdigest()
                changes = bool(task["turn_on"] or task["turn_off"])
                source = _source(folder, edits, task["source"], side) if changes else None
                if source is not None and np.array_equal(pixels, source):
                    found.identical.append(name)
            asked[name.rpartition("/")[0]].append(name not in found.missing[-1:])
            shown.show(number, images=number)
    found.incomplete = {
        name: (len(there) - sum(there), len(there)) for name, there in asked.items() if 0 < sum(there) < len(there)
    }
    known = {within(name) for name in (*found.hashes, *found.missing, *found.wrong_size, *found.damaged)}
    found.surplus = [name for name in _files(edits) if name not in known]
    return found


def tasks_in(folder: TaskFolder) -> Iterator[Mapping[str, Any]]:
    """The lines of tasks.jsonl, which was checked by its hash.

    Raises:
        UserError: a line is no task; whoever wrote such a file also wrote its hash.
    """
    for number, line in enumerate(read_bytes(folder.lines_file, _LARGEST_LINES, follow=False).splitlines(), 1):
        try:
            task = parse_json(line)
            named = [task["source"], task["edit"]]
            sound = isinstance(task["turn_on"], list) and isinstance(task["turn_off"], list)
            sound = sound and all(map(is_record_path, named)) and named[1].startswith("edits/")
        except (ValueError, TypeError, KeyError):
            sound = False
        if not sound:
            raise UserError(f"{folder.lines_file}, line {number}, is no task: export the tasks again.")
        yield task


def within(name: str) -> str:
    """The path of an edit in the folder of edits, by its path in the folder of tasks."""
    return name.removeprefix("edits/")


def _source(folder: TaskFolder, edits: Path, name: str, side: int) -> NDArray[np.uint8] | None:
    """What a task edits; None where that is an edit that is not there."""
    try:
        return read_png(edits / within(name) if name.startswith("edits/") else folder.root / name, side)
    except (OSError, ValueError):
        return None


def _files(folder: Path) -> list[str]:
    """The files below a folder, hidden ones aside, by their paths in it."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(place).relative_to(folder)
        found += [(inside / name).as_posix() for name in sorted(files) if not name.startswith(".")]
    return found
