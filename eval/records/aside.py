"""Records of one protocol are put aside when a run directory gets another protocol, and are taken up again later.

The files move into ``aside/<date>-<start of the protocol's hash>/`` and keep their places there, so that such a folder
is a run directory of its own: `bridgebench report` makes its pages. A folder without run.json is one whose move was cut
short: its files belong with the run.json of the run directory, whichever way they were moving.

Damaged files and cells of other weights move into ``aside/<date>-damaged/`` and ``aside/<date>-replaced/``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.run import RunRecord
from bridgebench.methods.core.errors import CannotWrite
from bridgebench.methods.core.files import quote, write_bytes

_HASH = 8  # so much of a protocol's hash is in the name of its folder


def change_protocol(run: RunDirectory, protocol_hash: str) -> tuple[Path | None, Path | None]:
    """Puts the records of another protocol aside and takes up those of this one; deletes nothing.

    A call that was killed is finished by the next one, whatever protocol that one asks for. run.json is that of the
    protocol asked for only if records of it were there.

    Args:
        run: the run directory.
        protocol_hash: of the protocol that the run directory shall have.

    Returns:
        The folder that the records of the other protocol are in, and the folder that those of this one were in; None
        where there were no such records.

    Raises:
        UserError: the directory's run.json is damaged.
        CannotWrite: a file cannot be moved.
    """
    put = taken = None
    if run.run_file.is_file():
        old = run.read_run()
        if old.protocol_hash == protocol_hash:
            for folder in _unfinished(run, old):
                _take_up(run, folder, old)
        else:
            put = _put_aside(run, old)
    for folder in _folders(run, protocol_hash):
        found = RunRecord.find(folder.run_file)
        if found is not None and found.protocol_hash == protocol_hash:
            # From here on the folder's files belong to the run directory.
            write_bytes(run.run_file, folder.run_file.read_bytes())
            folder.run_file.unlink()
            _take_up(run, folder, found)
            taken = folder.root
    return put, taken


def put_away(run: RunDirectory, files: Iterable[Path], why: str) -> Path:
    """Moves files, whatever they are (folders and pipes in the place of a file, too), into a new folder of `aside`.

    Args:
        run: the run directory.
        files: paths in it; those that are not there are passed over.
        why: a word for the folder's name.

    Raises:
        CannotWrite: a file cannot be moved.
    """
    folder = _new_folder(run, why)
    _move([path.relative_to(run.root) for path in files if os.path.lexists(path)], run.root, folder.root)
    return folder.root


def _put_aside(run: RunDirectory, old: RunRecord) -> Path | None:
    """Moves the directory's records into a folder of their own, run.json last; returns the folder."""
    files, begun = [*run.measured_files(old)], _unfinished(run, old)
    if not files and not begun:
        return None
    free = (folder for folder in begun if not any((folder.root / file).exists() for file in files))
    folder = next(free, None) or _new_folder(run, _short(old.protocol_hash))
    _move(files, run.root, folder.root)
    write_bytes(folder.run_file, run.run_file.read_bytes())
    return folder.root


def _take_up(run: RunDirectory, folder: RunDirectory, record: RunRecord) -> None:
    """Moves a folder's records back to their places; a file that is there already stays, and so does its other."""
    _move(folder.measured_files(record), folder.root, run.root)
    _remove_empty(folder.root)
    _remove_empty(run.aside)


def _folders(run: RunDirectory, protocol_hash: str) -> list[RunDirectory]:
    """The folders of a protocol, the newest first."""
    paths = sorted(run.aside.iterdir(), reverse=True) if run.aside.is_dir() else []
    return [RunDirectory(path) for path in paths if f"-{_short(protocol_hash)}" in path.name]


def _unfinished(run: RunDirectory, record: RunRecord) -> list[RunDirectory]:
    return [folder for folder in _folders(run, record.protocol_hash) if not folder.run_file.exists()]


def _short(protocol_hash: str) -> str:
    return quote(protocol_hash[:_HASH])


def _new_folder(run: RunDirectory, ending: str) -> RunDirectory:
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{ending}"
    for number in count(1):
        folder = run.aside / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            if os.path.lexists(folder):
                continue
            raise CannotWrite(f"{folder} cannot be made ({error.strerror}); nothing was moved.") from error
        return RunDirectory(folder)
    raise AssertionError("count() never ends")


def _move(files: Iterable[Path], source: Path, target: Path) -> None:
    """Moves files, given by their paths in `source`, to the same paths in `target`; never over a file there."""
    for file in files:
        if (target / file).exists():
            continue
        try:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).rename(target / file)
        except OSError as error:
            raise CannotWrite(
                f"{source / file} cannot be moved to {target / file} ({error.strerror}); nothing is lost: make room or "
                "give yourself the right to write there, and give the same command again."
            ) from error
        for folder in (source / file).parents:
            if folder == source or not _remove_empty(folder):
                break


def _remove_empty(folder: Path) -> bool:
    """Removes a folder if nothing is in it; whether it did."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
