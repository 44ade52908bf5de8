"""Archives of records: what a run left, in one zip with a manifest. They are what one sends to others.

Strangers make such archives, too. Members are written into a new folder under names that are checked, each of them
once, and no more of them than fits. Only files that the archive's own run.json knows by name are taken.
"""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.intact import check_whole
from bridgebench.eval.records.manifest import FILE, Manifest, changes, is_record_path, read_manifest
from bridgebench.eval.records.marks import mark
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.run import RunRecord
from bridgebench.methods.core.errors import CannotWrite, UserError, did_you_mean
from bridgebench.methods.core.files import (
    LARGEST_RECORD,
    check_links,
    new_folder,
    open_regular,
    read_bytes,
    write_bytes,
)

_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same records give the same zip
_MOST_MEMBERS, _MOST_BYTES = 50_000, 2**29
_LARGEST = 2**29  # bytes of an archive
_LARGEST_DIRECTORY = 2**24  # bytes of the list of members, which is held in memory: enough for so many members


def zipped(
    run: RunDirectory, *, images: bool = False, methods: Sequence[str] | None = None, by: str | None = None
) -> bytes:
    """An archive of a run, with its manifest.

    Args:
        run: the run directory; it need not be finished.
        images: take all that the run left, byte for byte, with its pictures. Else the archive has what tables and tests
            need: pictures, matched real images, and the features and probabilities of single edits are left out. With
            them an archive is too large to be kept beside the code.
        methods: take these methods alone; None: all.
        by: who made the run, in their own words; None: as the run says.

    Raises:
        UserError: a file of the run is damaged, a method is none of the run's, or the archive would be larger than one
            may be.
    """
    whole = run.read_run()
    record = _selected(whole, methods, by)
    check_whole(run, record)
    contents = {} if record is whole else {run.run_file.name: record.to_bytes()}
    for path in [run.run_file, *_files(run, record, images)]:
        name = _name(run, path)
        if name not in contents:
            contents |= {name: read_bytes(path, follow=False)} if images else _without_readings(run, path)
    hashes = {name: sha256(content).hexdigest() for name, content in sorted(contents.items())}
    contents[FILE] = Manifest.model_validate({"schema": 1, "files": hashes}).to_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), contents[name], zipfile.ZIP_DEFLATED)
        try:
            _checked(archive.infolist())
        except ValueError as error:
            raise UserError(f"{run.root} does not fit into an archive: {error}.") from error
    return buffer.getvalue()


def _selected(record: RunRecord, methods: Sequence[str] | None, by: str | None) -> RunRecord:
    """run.json as the archive has it."""
    changed: dict[str, Any] = {} if by is None else {"by": by}
    if methods is not None:
        for name in methods:
            if name not in record.methods:
                raise UserError(
                    f"The run has no method '{name}'.{did_you_mean(name, record.methods)} It has "
                    f"{', '.join(record.methods)}."
                )
        changed["methods"] = {name: record.methods[name] for name in record.methods if name in methods}
    if methods is not None and record.sources:
        brought = (
            source.model_copy(
                update={"methods": {name: source.methods[name] for name in methods if name in source.methods}}
            )
            for source in record.sources
        )
        changed["sources"] = tuple(source for source in brought if source.methods)
    return record.model_copy(update=changed) if changed else record


def _files(run: RunDirectory, record: RunRecord, images: bool) -> list[Path]:
    """The files of the record's methods that an archive has, run.json aside; traces of errors stay at home."""
    kept = [run.baselines_file]
    for path in run.named_files(record):
        folder = path.relative_to(run.root).parts[0]
        if (images or folder in ("cells", "cost")) and not path.name.endswith(".error.txt"):
            kept.append(path)
    return [path for path in dict.fromkeys(kept) if path.is_file() and path != run.manifest_file]


def _without_readings(run: RunDirectory, path: Path) -> dict[str, bytes]:
    """A file of a run by its name; of a cell its record, and its outcomes without readings, if there are any."""
    content = read_bytes(path, follow=False)
    if path.relative_to(run.root).parts[0] != "cells":
        return {_name(run, path): content}
    record = CellRecord.read(path)
    outcomes_file = run.outcomes_file(record.method, record.mode, record.attribute)
    outcomes = Outcomes.find(outcomes_file, record.key)
    if outcomes is None:
        return {_name(run, path): content}
    name, kept = _name(run, outcomes_file), outcomes.without_readings().to_bytes()
    files = {**record.files, name: sha256(kept).hexdigest()}
    return {_name(run, path): record.model_copy(update={"files": files}).to_bytes(), name: kept}


def _name(run: RunDirectory, path: Path) -> str:
    return path.relative_to(run.root).as_posix()


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A folder with the records of a run: a run directory itself, or what an archive holds.

    Raises:
        UserError: there is nothing, the directory has links that lead out, or as by `archived_run`.
    """
    if path.is_dir():
        check_links(path)
        yield path
    elif not path.exists():
        raise UserError(f"{path} is not a run directory, nor an archive of records: there is nothing of that name.")
    else:
        with archived_run(path) as folder:
            yield folder


@contextmanager
def archived_run(path: Path) -> Iterator[Path]:
    """A temporary folder with the records of an archive, as they were when it was made.

    (Archives from before there were manifests are taken as they are.)

    Raises:
        UserError: the file is no archive of records, something in it was changed, or it has files that no run has.
    """
    with unzipped(path) as folder:
        _check_content(folder, path)
        yield folder


@contextmanager
def unzipped(path: Path) -> Iterator[Path]:
    """A temporary folder with the members of an archive; its manifest is not looked at.

    Raises:
        UserError: the file is missing or damaged, or is no archive as :func:`zipped` makes them.
    """
    with tempfile.TemporaryDirectory(prefix="bridgebench-") as name:
        _extract(path, Path(name))
        yield Path(name)


def unpack(path: Path, out: Path) -> bool:
    """Makes a run directory of an archive, all of it or nothing.

    Args:
        path: the archive.
        out: the folder to be made.

    Returns:
        Whether the archive has a manifest: without one, nobody can tell whether something was changed.

    Raises:
        UserError: as by `archived_run`, or `out` exists.
        CannotWrite: the folder cannot be written.
    """
    with new_folder(out) as folder:
        _extract(path, folder)
        _check_content(folder, path)
        mark(folder, "benchmark")
        return (folder / FILE).is_file()


def _extract(path: Path, folder: Path) -> None:
    """Writes the members of an archive into an empty folder."""
    if not path.exists():
        raise UserError(f"There is no file {path}.")
    try:
        with open_regular(path, _LARGEST) as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                for member in _checked(archive.infolist()):
                    with archive.open(member) as content:  # gives no more bytes than the member is said to have
                        write_bytes(folder / member.filename, content.read(), durable=False)
    except CannotWrite:
        raise
    except Exception as error:  # zipfile and zlib raise almost anything on damaged files
        raise UserError(f"{path} is damaged or not an archive of records ({error}); fetch it again.") from error


def _check_content(folder: Path, path: Path) -> None:
    """Refuses what was changed since the archive was made, and files that are none of a run's.

    Args:
        folder: with the members of the archive.
        path: the archive, for the message.
    """
    if (folder / FILE).is_file():
        found = changes(folder, read_manifest(folder, path))
        if found:
            raise UserError(
                f"{path} was changed after it was made ({found[0]}); `bridgebench records verify` tells all."
            )
    run = RunDirectory(folder)
    if not run.run_file.is_file():
        raise UserError(f"{path} is no archive of a run: it has no {run.run_file.name}.")
    known = {run.run_file, run.manifest_file, *run.named_files(run.read_run())}
    for file in sorted(folder.rglob("*")):
        if not file.is_dir() and file not in known:
            raise UserError(f"{path} has a file that no run has, {file.relative_to(folder)}: nothing of it was taken.")


def _check_directory(file: BinaryIO) -> None:
    """Raises ValueError if the list of an archive's members would fill the memory: zipfile reads it as a whole."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 2**16 - 22))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")  # the record with which an archive ends
    if end >= 0 and int.from_bytes(tail[end + 12 : end + 16], "little") > _LARGEST_DIRECTORY:
        raise ValueError("it has more members than any run")
    if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":
        raise ValueError("it is in a form for larger files than any run has")
    file.seek(0)


def _checked(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The members that are files.

    Raises:
        ValueError: there is one that no archive of ours has.
    """
    files = [member for member in members if not member.is_dir()]
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in files) > _MOST_BYTES:
        raise ValueError("it would unpack to more than any run has")
    seen: set[str] = set()
    for member in files:
        name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
        if not is_record_path(name) or member.orig_filename != name:
            raise ValueError(f"{name!r:.100} is no path of a record")
        if name.casefold() in seen:
            raise ValueError(f"{name!r:.100} is in it twice")
        if kind not in (0, stat.S_IFREG) or member.flag_bits & 1:
            raise ValueError(f"{name!r:.100} is no plain file")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r:.100} is packed in a way that records are not")  # some ways take gigabytes
        if member.file_size > LARGEST_RECORD:
            raise ValueError(f"{name!r:.100} is larger than {LARGEST_RECORD:,} bytes")
        seen.add(name.casefold())
    return files
