"""Allows one run at a time in a folder: a second run reports this and stops."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridgebench.harness.processes.stopping import certainly
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks a folder (created if missing) for this process; the file ``.lock`` in it names the process.

    The system drops the lock of a killed process, so a file that was left behind stops nobody. But a file that names
    another machine does, because this system may not see that machine's locks.

    Raises:
        UserError: another run holds the lock, or the folder cannot be written.
    """
    path, here = folder / LOCK, socket.gethostname()
    lock = FileLock(path, timeout=0, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is no file, so that no run can hold {folder}: remove it, or name another --out.")
        _check_ours(path)
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"{folder} is in use by another run ({_holder(path)}); wait for it, or give another --out."
        ) from error
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); name another --out.") from error
    try:
        if _owner(path).get("host", here) != here:
            raise UserError(
                f"{folder} is in use by another run ({_holder(path)}); if that one runs no more, remove {path}."
            )
        path.write_text(json.dumps({"host": here, "pid": os.getpid()}))
        with certainly(partial(path.unlink, missing_ok=True)):  # while still locked, so nobody locks a removed file
            yield
    finally:
        lock.release()


def _owner(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(read_bytes(path, 1000))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _check_ours(path: Path) -> None:
    """Refuses a lock file of another program; ours starts with the name of its host, or was cut short by a kill."""
    start = b'{"host"'
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        found = file.read(len(start))
        if not start.startswith(found):
            raise UserError(f"{path} is another program's; name another --out.")


def _holder(path: Path) -> str:
    owner = _owner(path)
    return f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'unknown')}"
