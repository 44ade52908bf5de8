"""Worker processes on this machine, each with one job at a time. If a worker dies, only its current job is affected.

A pool of the standard library breaks as a whole when a worker is killed, and cannot say which job was running.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from bridgebench.harness.processes.stopping import ctrl_c_kept_from_children, end_with
from bridgebench.methods.core.errors import UserError

_ATTEMPTS = 2
_GRACE = 1.0  # seconds that a worker gets to exit

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Death(Generic[J]):
    """A job whose workers all died, and the cause of the last death."""

    job: J
    cause: str


class _Worker(Generic[J]):
    """A process, the connection to it, and its current job."""

    def __init__(self, function: Callable[[J], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, os.getpid()))
        with ctrl_c_kept_from_children():
            self.process.start()
        theirs.close()
        self.job: tuple[J, int] | None = None
        self._send(function)  # not an argument: slow imports then come after the watch for the parent has started

    def give(self, job: tuple[J, int]) -> None:
        self.job = job
        self._send(job[0])

    def _send(self, what: Any) -> None:
        with contextlib.suppress(OSError):  # the worker has just died; this is noticed when it is waited for
            self.line.send(what)

    def end(self) -> None:
        self.process.join(_GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.line.close()


def run_in_processes(function: Callable[[J], R], jobs: Sequence[J], count: int) -> Generator[R | Death[J], None, None]:
    """Calls a function on every job in `count` processes; yields results in the order of completion.

    Args:
        function: importable by name; safe to call again on a job that a killed worker had begun.
        jobs: picklable.
        count: number of processes.

    Yields:
        Results; for a job whose two workers both died, a :class:`Death`.

    Raises:
        The error of a job; the other jobs are stopped then.
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
                worker.line.close()  # the worker reads the end of the stream and exits
            else:  # stopped by the user or by an error: unfinished jobs are dropped
                worker.process.kill()
        for worker in workers:
            worker.end()


def _ready(workers: list[_Worker[J]]) -> list[_Worker[J]]:
    found = wait([worker.line for worker in workers])
    return [worker for worker in workers if worker.line in found]


def _buried(worker: _Worker[J], waiting: deque[tuple[J, int]]) -> Death[J] | None:
    """Puts the job of a dead worker back to the front of the queue, or returns a death after two tries."""
    worker.end()
    if worker.job is None:
        return None
    job, attempt = worker.job
    if attempt < _ATTEMPTS:
        waiting.appendleft((job, attempt + 1))
        return None
    return Death(job, how_it_ended(worker.process.exitcode))


def how_it_ended(code: int | None) -> str:
    """A process's end in words, from its exit code: "exit code 1", or the signal that killed it."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _serve(line: Connection, parent: int) -> None:
    """The main function of a worker: receives the function, then jobs; exits when the parent was killed."""
    end_with(parent)
    with contextlib.suppress(EOFError, OSError):
        function: Callable[[Any], Any] = line.recv()
        while True:
            job = line.recv()
            try:
                answer = ("done", function(job))
            except UserError as error:
                answer = ("raised", error)
            except BaseException:  # also what is no failure elsewhere: nothing but its work may end a worker
                answer = ("raised", RuntimeError(f"in a worker:\n{traceback.format_exc()}"))
            line.send(answer)
