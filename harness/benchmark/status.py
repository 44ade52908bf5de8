"""How far a benchmark is, read from its run directory without disturbing it: `bridgebench status`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.processes.holder import Holder, holder
from bridgebench.methods.core.files import check_links, read_bytes

_WINDOW_SECONDS = 600.0  # the speed is that of the last ten minutes, or of this call where it is younger


@dataclass(frozen=True)
class BenchmarkStatus:
    """How far a benchmark is.

    Attributes:
        profile: the name of its profile.
        protocol: the hash of its protocol.
        planned, done: cells; those of other protocols do not count.
        failed: the cells that failed, as ``method/mode/column``, each with the last line of its error.
        by: the process that the lock names, if there is one.
        seconds_left: estimated by the speed of the last minutes; None where nothing runs or nothing was finished yet.
        seconds_since: since the last cell was finished; None where none was.
    """

    profile: str
    protocol: str
    planned: int
    done: int
    failed: dict[str, str]
    by: Holder | None
    seconds_left: float | None
    seconds_since: float | None

    @property
    def state(self) -> str:
        """``finished``, ``running``, ``killed`` (the lock names a process that is gone) or ``stopped``."""
        if self.by is not None and self.by.alive:
            return "running"
        if self.done >= self.planned:
            return "finished"
        return "stopped" if self.by is None else "killed"


def benchmark_status(folder: Path) -> BenchmarkStatus:
    """How far the benchmark in a run directory is. Only run.json and the cells are read; nothing is written.

    Raises:
        UserError: the folder is no run directory, or its run.json is damaged.
    """
    check_links(folder)
    run = RunDirectory(folder)
    record, by, now = run.read_run(), holder(folder), time.time()
    done = sum(cell.protocol_hash == record.protocol_hash for cell in run.cells())
    failed = {"/".join(place): _last_line(run.error_file(*place)) for place in sorted(run.failed())}
    finished = [path.lstat().st_mtime for path in run.cell_files()]
    left = record.planned - done - len(failed)
    return BenchmarkStatus(
        profile=record.profile_name,
        protocol=record.protocol_hash,
        planned=record.planned,
        done=done,
        failed=failed,
        by=by,
        seconds_left=_seconds_left(left, finished, run.run_file.stat().st_mtime, now) if by and by.alive else None,
        seconds_since=max(0.0, now - max(finished)) if finished else None,
    )


def _seconds_left(left: int, finished: list[float], begun: float, now: float) -> float | None:
    """The time for the cells that are left; `begun`: when run.json was written, which each call does first."""
    start = max(begun, now - _WINDOW_SECONDS)
    recent = sum(start < moment <= now for moment in finished)
    return left * (now - start) / recent if recent else None  # a clock that was set back tells nothing


def _last_line(path: Path) -> str:
    try:
        return (read_bytes(path).decode(errors="replace").splitlines() or [""])[-1]
    except (OSError, ValueError):  # the cell was begun again meanwhile
        return ""
