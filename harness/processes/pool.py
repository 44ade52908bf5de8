"""Worker processes of this machine, one job at a time each; one that dies takes nothing with it but its job's state.

A pool of the standard library breaks as a whole when a worker is killed, and cannot say over which job.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from bridgebench.harness.processes.stopping import ctrl_c_kept_from_children
from bridgebench.methods.core.errors import UserError

_ATTEMPTS = 2
_GRACE = 1.0  # seconds that a worker has to end

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Death(Generic[J]):
    """A job over which every worker died that tried it, and how the last one did."""

    job: J
    cause: str


class _Worker(Generic[J]):
    """A process, the line to it, and the job that it is at."""

    def __init__(self, function: Callable[[J], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, os.getpid()))
        with ctrl_c_kept_from_children():
            self.process.start()
        theirs.close()
        self.job: tuple[J, int] | None = None
        self._send(function)  # not an argument: what it takes seconds to import comes after the watch for the parent

    def give(self, job: tuple[J, int]) -> None:
        self.job = job
        self._send(job[0])

    def _send(self, what: Any) -> None:
        with contextlib.suppress(OSError):  # it has just died: found when it is waited for
            self.line.send(what)

    def end(self) -> None:
        self.process.join(_GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.line.close()


def run_in_processes(function: Callable[[J], R], jobs: Sequence[J], count: int) -> Generator[R | Death[J], None, None]:
    """Calls a function on every job in `count` processes and yields what comes back, in the order of completion.

    Args:
        function: importable by name, safe to call again on a job that a killed worker had begun.
        jobs: picklable.
        count: of processes.

    Yields:
        Results; or a :class:`Death`, for a job over which two workers died.

    Raises:
        What a job raised; the others are stopped then.
    """
    waiting = deque((job, 1) for job in jobs)
    workers: list[_Worker[J]] = []
    finished = False
    try:
        while waiting or any(worker.job for worker in workers):
            idle = [worker for worker in workers if worker.job is None]
            while waiting and (idle or len(workers) < count):
                if not idle:
                    workers.append(_Worker(function))
                    idle.append(workers[-1])
                idle.pop().give(waiting.popleft())
            for worker in _ready(workers):
                try:
                    kind, value = worker.line.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    death = _buried(worker, waiting)
                    if death is not None:
                        yield death
                    continue
                worker.job = None
                if kind == "raised":
                    raise value
                yield value
        finished = True
    finally:
        for worker in workers:
            if finished:
                worker.line.close()  # it reads the end and leaves
            else:  # stopped by the user or by an error: what is half done is thrown away
                worker.process.kill()
        for worker in workers:
            worker.end()


def _ready(workers: list[_Worker[J]]) -> list[_Worker[J]]:
    found = wait([worker.line for worker in workers])
    return [worker for worker in workers if worker.line in found]


def _buried(worker: _Worker[J], waiting: deque[tuple[J, int]]) -> Death[J] | None:
    """Puts the job of a dead worker back in front, or tells its death."""
    worker.end()
    if worker.job is None:
        return None
    job, attempt = worker.job
    if attempt < _ATTEMPTS:
        waiting.appendleft((job, attempt + 1))
        return None
    return Death(job, _cause(worker.process.exitcode))


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _serve(line: Connection, parent: int) -> None:
    """A worker: gets the function and then jobs; ends when the parent was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        function: Callable[[Any], Any] = line.recv()
        while True:
            job = line.recv()
            try:
                answer = ("done", function(job))
            except UserError as error:
                answer = ("raised", error)
            except Exception:
                answer = ("raised", RuntimeError(f"in a worker:\n{traceback.format_exc()}"))
            line.send(answer)
