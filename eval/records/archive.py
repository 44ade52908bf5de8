"""Archives of records: the JSON records of a run and the outcomes of its single edits in one zip, with a manifest.

Strangers make such archives, too. Members are written into a temporary folder under names that are checked, each of
them once, and no more of them than fits.
"""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.manifest import FILE, Manifest, changes, is_record_path, read_manifest
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import LARGEST_RECORD, read_bytes, write_bytes

_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same records give the same zip
_MOST_MEMBERS, _MOST_BYTES = 50_000, 2**29


def zipped(run: RunDirectory) -> bytes:
    """An archive of a run's records, with their manifest.

    It has what tables and tests need. Left out are pictures, matched real images, and the features and probabilities of
    single edits: with them an archive is too large to be kept beside the code.
    """
    whole = [run.run_file, run.baselines_file, *run.cost_files()]
    contents = {_name(run, path): read_bytes(path, follow=False) for path in whole}
    for path in run.cell_files():
        contents |= _cell(run, path)
    hashes = {name: sha256(content).hexdigest() for name, content in sorted(contents.items())}
    contents[FILE] = Manifest.model_validate({"schema": 1, "files": hashes}).to_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), contents[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _cell(run: RunDirectory, path: Path) -> dict[str, bytes]:
    """The files of a cell that an archive has: its record, and its outcomes without readings, if there are any."""
    record = CellRecord.read(path)
    outcomes_file = run.outcomes_file(record.method, record.mode, record.attribute)
    outcomes = Outcomes.find(outcomes_file, record.key)
    if outcomes is None:
        return {_name(run, path): read_bytes(path, follow=False)}
    name, content = _name(run, outcomes_file), outcomes.without_readings().to_bytes()
    files = {**record.files, name: sha256(content).hexdigest()}
    return {_name(run, path): record.model_copy(update={"files": files}).to_bytes(), name: content}


def _name(run: RunDirectory, path: Path) -> str:
    return path.relative_to(run.root).as_posix()


@contextmanager
def unzipped(path: Path) -> Iterator[Path]:
    """A temporary folder with the members of an archive; its manifest is not looked at.

    Raises:
        UserError: the file is missing or damaged, or is no archive as :func:`zipped` makes them.
    """
    with tempfile.TemporaryDirectory(prefix="bridgebench-") as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                for member in _checked(archive.infolist()):
                    with archive.open(member) as content:  # gives no more bytes than the member is said to have
                        write_bytes(folder / member.filename, content.read(), durable=False)
        except CannotWrite:
            raise
        except Exception as error:  # zipfile and zlib raise almost anything on damaged files
            raise UserError(f"{path} is damaged or not an archive of records ({error}); fetch it again.") from error
        yield folder


@contextmanager
def archived_run(path: Path) -> Iterator[Path]:
    """A temporary folder with the records of an archive, as they were when it was made.

    (Archives from before there were manifests are taken as they are.)

    Raises:
        UserError: the file is no archive of records, or something in it was changed.
    """
    with unzipped(path) as folder:
        if (folder / FILE).is_file():
            found = changes(folder, read_manifest(folder, path))
            if found:
                raise UserError(
                    f"{path} was changed after it was made ({found[0]}); `bridgebench records verify` tells all."
                )
        yield folder


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
        if member.file_size > LARGEST_RECORD:
            raise ValueError(f"{name!r:.100} is larger than {LARGEST_RECORD:,} bytes")
        seen.add(name.casefold())
    return files
