"""Which process works in a folder, as its lock says, for a look from outside; nothing is locked or written."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bridgebench.harness.processes.lock import LOCK, STALE, machine
from bridgebench.methods.core.files import parse_json, read_bytes

_LARGEST = 1000  # bytes of a lock


@dataclass(frozen=True)
class Holder:
    """The process that a folder's lock names.

    Attributes:
        host, pid: the process.
        alive: whether it still runs: here, whether there is such a process; of another machine, whether it touched the
            lock within the last minute.
    """

    host: str
    pid: int
    alive: bool


def holder(folder: Path) -> Holder | None:
    """The process that works in a folder, or that was killed there; None where there is no lock or a damaged one."""
    path = folder / LOCK
    try:
        found = parse_json(read_bytes(path, _LARGEST))
        host, pid = str(found["host"]), int(found["pid"])
        if pid <= 0:  # the system takes these for groups of processes
            return None
        here = all(found.get(key, value) == value for key, value in machine().items())
        alive = _runs(pid) if here else time.time() - path.stat().st_mtime < STALE
    except (OSError, ValueError, KeyError, TypeError, OverflowError):  # also numbers that no process has
        return None
    return Holder(host, pid, alive)


def writer(folder: Path) -> str | None:
    """The process that writes into a folder just now, in words; None: nobody does."""
    found = holder(folder)
    return f"process {found.pid} on {found.host}" if found is not None and found.alive else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing; says whether there is such a process
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True
