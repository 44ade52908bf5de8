"""Files that are whole or not there, and folders named after what users name."""

from __future__ import annotations

import os
import tempfile
import urllib.parse
from pathlib import Path

from bridgebench.methods.core.errors import CannotWrite

TEMPORARY = ".tmp"


def write_bytes(path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
    """Writes a file, all of it or nothing: to a temporary name beside it, synced to the disk, then renamed.

    Folders above it are made. A reader, or a run that is killed, sees the file before or the file after. What is not
    `durable` is not synced: enough for the many files of a page, which are made again if the power fails.

    Raises:
        CannotWrite: a full disk, a folder that is read-only or no folder, a name too long, ...
    """
    try:
        _write(path, data, durable)
    except OSError as error:
        raise CannotWrite(
            f"{path} cannot be written ({error.strerror or error}); what was there before is untouched: make room or "
            "name another folder, and give the same command again."
        ) from error


def _write(path: Path, data: bytes | memoryview, durable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_temporaries(folder: Path, name: str) -> None:
    """Removes what killed processes left half written of a file of `folder`; `name` may be a pattern, in a folder."""
    within, _, last = name.rpartition("/")
    for path in (folder / within).glob(f".{last}.*{TEMPORARY}"):
        path.unlink(missing_ok=True)


def quote(name: str) -> str:
    """A method's name as a folder name: percent-quoted where it has anything but ``[A-Za-z0-9._-]``."""
    quoted = urllib.parse.quote(name, safe="").replace("~", "%7E")
    return quoted.replace(".", "%2E") if not quoted.strip(".") else quoted
