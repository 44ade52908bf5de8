"""One run at a time in a folder: a second one says so and stops."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bridgebench.harness.processes.stopping import certainly
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder (made if need be) for this process; the file ``.lock`` in it says who does.

    The system forgets the lock of a process that is killed, so a file that was left behind holds nobody up. Only where
    the file names another machine, which this system may not know of, it does.

    Raises:
        UserError: another run holds it, or the folder cannot be written.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _open_locked(path)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); name another --out.") from error
    if handle is None:
        raise UserError(f"{folder} is in use by another run ({_holder(path)}); wait for it, or give another --out.")
    try:
        owner = _owner(path)
        if owner.get("host", socket.gethostname()) != socket.gethostname():
            raise UserError(
                f"{folder} is in use by another run ({_holder(path)}); if that one runs no more, remove {path}."
            )
        os.truncate(handle, 0)
        os.write(handle, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
        with certainly(partial(path.unlink, missing_ok=True)):
            yield
    finally:
        os.close(handle)


def _open_locked(path: Path) -> int | None:
    """The lock file, open and locked; None where another process has locked it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        os.close(handle)  # its owner has just removed it: what is locked is no longer the file of that name


def _owner(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(read_bytes(path, 1000))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _holder(path: Path) -> str:
    owner = _owner(path)
    return f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'unknown')}"
