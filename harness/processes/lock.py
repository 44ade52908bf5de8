"""Allows one run at a time in a folder: a second run reports this and stops.

A process that holds the folder locks the file ``.lock`` in it, by the system's own file locks, and touches the file
every few seconds: a sign of life. The system drops the lock of a process that was killed, so what it left stops nobody
on the same machine. Of another machine (a new pod that goes on with a job) the locks may be invisible; there the signs
of life count. They are compared by the clock of the file's server alone, as machines' clocks differ.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from filelock import FileLock, Timeout

from bridgebench.harness.processes.messages import LOGGER
from bridgebench.harness.processes.repeated import repeated
from bridgebench.harness.processes.stopping import certainly, end_now
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import TEMPORARY, parse_json, read_bytes, remove_temporaries

LOCK = ".lock"
_LONGEST = 1000  # bytes of the file
BEAT = 5.0  # seconds between signs of life
STALE = 60.0  # seconds without one after which a process on another machine counts as dead
_SETTLE = 1.0  # seconds after which two that have taken over the same folder see each other


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks a folder (created if missing) for this process; the file ``.lock`` in it names the process.

    Where the file names another machine, its process is waited for, for up to a minute: if it gives a sign of life, the
    folder is in use; if not, the folder is taken over. If another machine takes over this folder meanwhile, because
    this process was suspended for longer than that, this process ends at once and writes nothing any more.

    Raises:
        UserError: another run holds the lock, or the folder cannot be written.
    """
    path = folder / LOCK
    lock = FileLock(path, timeout=0, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is no file, so that no run can hold {folder}: remove it, or name another --out.")
        _check_ours(path)
        lock.acquire()
    except Timeout as error:
        raise _in_use(folder) from error
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); name another --out.") from error
    try:
        owner = {**machine(), "pid": os.getpid(), "id": secrets.token_hex(8)}
        foreign = _is_foreign(_owner(path))
        if foreign:
            _wait_for_death(folder)
        path.write_text(json.dumps(owner))
        if foreign:
            time.sleep(_SETTLE)
            if _owner(path) != owner:
                raise _in_use(folder)
        with certainly(partial(_remove, path, owner)), _heartbeat(path, owner):
            yield
    finally:
        lock.release()


def machine() -> dict[str, Any]:
    """What tells a machine from others: its name, and the id of its start, as many pods have the same name."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {"host": socket.gethostname(), "boot": boot.read_text().strip() if boot.is_file() else None}


def _is_foreign(owner: dict[str, Any]) -> bool:
    """Whether the file names a machine whose locks this one may not see."""
    here = machine()
    return any(owner.get(key, here[key]) != here[key] for key in here)


def _wait_for_death(folder: Path) -> None:
    """Returns when a process on another machine has given no sign of life for a minute.

    Raises:
        UserError: it gives one.
    """
    path = folder / LOCK
    before, age = _sign(path), _age(path)
    if age < STALE:
        LOGGER.warning(
            f"The last run in {folder} ({_holder(path)}) has not ended its work: waiting up to {STALE - age:.0f} "
            "seconds for a sign of its life; without one, its work is taken up here."
        )
    end = time.monotonic() + STALE - age
    while time.monotonic() < end:
        time.sleep(min(BEAT / 5, max(0.0, end - time.monotonic())))
        if _sign(path) != before:
            raise _in_use(folder)
    remove_temporaries(folder, LOCK.removeprefix("."))


def _sign(path: Path) -> tuple[Any, ...]:
    """Changes with every sign of life. The file is opened, because a network's file system may remember old times."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST), os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return ()


def _age(path: Path) -> float:
    """Seconds since the last sign of life, by the clock of the file's server; none is older than `STALE`."""
    with NamedTemporaryFile(dir=path.parent, prefix=f"{LOCK}.", suffix=TEMPORARY) as now:
        now.write(b"now")
        now.flush()
        age = os.fstat(now.fileno()).st_mtime - path.stat().st_mtime
    return min(max(age, 0.0), STALE)


@contextmanager
def _heartbeat(path: Path, owner: dict[str, Any]) -> Iterator[None]:
    """Gives signs of life meanwhile."""

    def beat() -> None:
        found = _owner(path)
        if found and found != owner and not finished.is_set():
            end_now(
                f"{path.parent} was taken over by {_holder(path)}, because this run gave no sign of life for "
                f"{STALE:.0f} seconds; it ends here and leaves the folder to that one."
            )
        with contextlib.suppress(OSError):  # a disk that is away for a while; the run itself will say so
            if not found:
                path.write_text(json.dumps(owner))  # somebody has removed it
            os.utime(path)

    with repeated(beat, BEAT) as finished:
        yield


def _remove(path: Path, owner: dict[str, Any]) -> None:
    """Removes the file while it is locked, so that nobody locks a removed file."""
    if _owner(path) == owner:
        path.unlink(missing_ok=True)


def _owner(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(read_bytes(path, _LONGEST))
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


def _in_use(folder: Path) -> UserError:
    return UserError(
        f"{folder} is in use by another run ({_holder(folder / LOCK)}); wait for it, or give another --out."
    )


def _holder(path: Path) -> str:
    owner = _owner(path)
    return f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'unknown')}"
