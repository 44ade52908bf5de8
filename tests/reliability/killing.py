"""Starts a command again and again, kills it at random instants, and counts what happened."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import Forked, start, warm_up

USUAL = 40  # one start of so many is by the command as users give it, the others are forked
# From the folder to write into: lines of Python to run first, and the arguments.
Command = Callable[[Path], tuple[str, list[str]]]
CLEAN = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Limit:
    """When it is enough: after so many kills, or from this instant of the monotonic clock on."""

    kills: int
    end: float


class Kills:
    """Starts a command again and again and kills it, and counts what happened."""

    def __init__(
        self,
        name: str,
        command: Command,
        folder: Path,
        draw: random.Random,
        limit: Limit,
        forks: bool = True,
    ) -> None:
        self.name, self.command, self.draw, self.limit = name, command, draw, limit
        self.script, self.out, self.forks = folder / "command.py", folder / f"killed {name}", forks
        self.times: dict[bool, tuple[float, float]] = {}  # of a forked or a usual start: to its first file, and from it
        self.kinds: Counter[str] = Counter()
        self.stops: Counter[str] = Counter()  # by their seconds, to the tenth
        self.told: Counter[str] = Counter()  # what `counts` has given of the kinds
        self.began = 0.0  # when the newest start was, as files tell the time
        self.orphans = self.half_written = self.finished = self.starts = 0

    def undisturbed(self, out: Path) -> list[Path]:
        """Runs the command to its end in other folders, as a user and forked; returns them."""
        outs = [out, out.with_name(f"forked {out.name}")] if self.forks else [out]
        if self.forks:
            warm_up(*self.command(out.with_name(f"warm {out.name}")))
        for forked, folder in enumerate(outs):
            started = time.monotonic()
            process = self._start(bool(forked), folder, ())
            wait_for_work(process, folder)
            begun = time.monotonic()
            if process.wait():
                raise SystemExit(f"{self.name} failed without being killed")
            self.times[bool(forked)] = begun - started, time.monotonic() - begun
        return outs

    def _start(self, forked: bool, out: Path, options: Sequence[str]) -> Any:
        before, arguments = self.command(out)
        arguments = [*arguments, *options]
        return Forked(before, arguments) if forked else start(self.script, before, arguments)

    def counts(self) -> dict[str, Any]:
        """What happened since the last call of it."""
        kinds = self.kinds - self.told
        found = {
            "kills": kinds.total(), "kinds": dict(kinds), "stops": dict(self.stops), "orphans": self.orphans,
            "half_written": self.half_written,
        }  # fmt: skip
        self.told, self.orphans, self.half_written = self.kinds.copy(), 0, 0
        self.stops.clear()
        return found

    def goes_on(self) -> bool:
        """Whether there is more to kill, or a killed run to finish."""
        return not self._enough() or self.out.exists()

    def _enough(self) -> bool:
        return self.kinds.total() >= self.limit.kills or time.monotonic() >= self.limit.end

    def once(self, kinds: Sequence[str], options: Sequence[str] = ()) -> int | None:
        """One start, killed at a random instant unless it is enough: in any phase, or three times of four at its work.

        Where only a worker was killed, the run goes on by itself, and may be hit again.

        Returns:
            The exit code where it came to its end, else None.
        """
        forked = self.forks and self.starts % USUAL > 0
        self.starts += 1
        before, work = self.times[forked]
        kills, started, self.began = self.kinds.total(), time.monotonic(), time.time()
        process = self._start(forked, self.out, options)
        early = self.draw.random() < 0.25
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self._enough():
                    process.wait()
                elif early:
                    process.wait(self.draw.uniform(0, before))
                else:
                    wait_for_work(process, self.out)
                    process.wait(self.draw.uniform(0, 0.7 * work))  # most starts shall be hit
            if process.poll() is None:
                self._kill(process, self.draw.choice(kinds))
            early = False
        if process.returncode == 2:
            raise SystemExit(f"{self.name} did not go on")
        self.orphans += len(_outlived(process.pid))
        self.finished += process.returncode == 0
        if self.kinds.total() == kills:  # it was quicker than had been reckoned with
            self.times[forked] = before, max(0.1, time.monotonic() - started - before)
        print(f"{self.name}: {self.kinds.total()} kills, {self.finished} runs done", flush=True)
        return process.returncode if process.returncode == 0 else None

    def _kill(self, process: Any, kind: str) -> None:
        if kind == "worker SIGKILL":
            workers = [pid for pid in _session(process.pid) if pid != process.pid and not _is_tracker(pid)]
            if workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.draw.choice(workers), signal.SIGKILL)
                    self.kinds[kind] += 1
            return
        number = getattr(signal, kind)
        started = time.monotonic()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # a terminal sends Ctrl-C to all of them
        else:
            process.send_signal(number)
        process.wait(300)
        self.kinds[kind] += 1
        if number in CLEAN:
            self.stops[f"{time.monotonic() - started:.1f}"] += 1
            # Its own: what a SIGKILL left before is removed as soon as a run opens the folder, which this may not have.
            self.half_written += sum(path.stat().st_mtime > self.began for path in self.out.rglob(".*.tmp"))


def wait_for_work(process: Any, out: Path) -> None:
    """Until a process writes into its folder (its lock aside), or ends."""
    started = time.time()
    while process.poll() is None:
        for folder, _, names in os.walk(out):  # unlike rglob, it passes over a folder that is renamed meanwhile
            for name in names:
                with contextlib.suppress(OSError):
                    if name != ".lock" and Path(folder, name).stat().st_mtime > started:
                        return
        time.sleep(0.02)


def _session(leader: int) -> list[int]:
    """The processes of a session that are not dead yet."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def _outlived(leader: int) -> list[int]:
    """What is left of a session five seconds after its leader's end."""
    deadline = time.monotonic() + 5
    while (left := _session(leader)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _is_tracker(pid: int) -> bool:
    """Python's own helper beside the workers, which only tidies up after them."""
    with contextlib.suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True
