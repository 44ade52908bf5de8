"""Processes for other people's code: each starts within milliseconds from the same clean state, and leaves nothing.

A process that imports PyTorch takes seconds to start. So one process, the nursery, imports it once and never runs
foreign code; every process that does is forked off the nursery. When such a process ends, the nursery kills whatever it
left behind. When the process that asked for it dies, the nursery sees the end of its connection, kills all of them and
ends too.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from bridgebench.harness.processes.devices import repeatable

_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import main; main()"
_GRACE = 1.0  # seconds in which a process that has closed its connection may come to its end
# Options of prctl, which only Linux has: a process dies with its parent; orphans below a process become its children.
_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36
_LOOK = 2.0  # seconds without an answer after which it is looked whether the nursery was stopped
_LONGEST = 4096  # bytes of an order or an answer


class Nursery:
    """The nursery of this process; safe to be used by several threads.

    Args:
        work: what its processes do, as ``"package.module:function"``. The function gets a connected socket.
    """

    def __init__(self, work: str) -> None:
        self._line, theirs = socket.socketpair()
        self._lock = threading.Lock()
        program = _START.format(module=__name__)
        command = [sys.executable, "-P", "-c", program, json.dumps(sys.path), str(theirs.fileno()), work]
        # Text has the same hash in all of its processes, so that the order in a set does not differ between runs.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True, env=environment
        )
        theirs.close()

    @property
    def alive(self) -> bool:
        """Whether it runs; foreign code may have killed it."""
        return self._process.poll() is None

    def fork(self, end: socket.socket) -> int:
        """Starts a process that works on `end`, which is closed here; returns its process id.

        Raises:
            OSError: the nursery is dead.
        """
        with self._lock, end:
            socket.send_fds(self._line, [json.dumps({"order": "fork"}).encode()], [end.fileno()])
            return self._answer()

    def end(self, process: int, *, by_itself: bool) -> int:
        """Ends a process and all that it has started; returns its exit code, or minus the signal that killed it.

        Args:
            process: its process id.
            by_itself: it is about to end, and gets a second for it.

        Raises:
            OSError: the nursery is dead.
        """
        with self._lock:
            order = {"order": "end", "process": process, "grace": _GRACE if by_itself else 0}
            self._line.sendall(json.dumps(order).encode())
            return self._answer()

    def _answer(self) -> int:
        self._line.settimeout(_LOOK)
        while True:
            try:
                answer = self._line.recv(_LONGEST)
                break
            except TimeoutError:
                if self._stopped:
                    self._process.kill()
                    self._process.wait()
                    raise ConnectionError("the nursery was stopped") from None
        if not answer:
            raise ConnectionError("the nursery is dead")
        return int(answer)

    @property
    def _stopped(self) -> bool:
        """Whether foreign code has stopped it (SIGSTOP), so that it would never answer."""
        try:
            state = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state in "Tt"


@lru_cache(maxsize=1)
def _running(work: str) -> Nursery:
    return Nursery(work)


def nursery(work: str) -> Nursery:
    """The nursery of this process, which starts with the first call; a dead one is replaced."""
    if not _running(work).alive:
        _running.cache_clear()
    return _running(work)


def main() -> None:
    """The nursery itself: ``... SYS_PATH LINE WORK``, see :class:`Nursery`."""
    module, _, name = sys.argv[3].partition(":")
    work: Callable[[socket.socket], None] = getattr(importlib.import_module(module), name)
    _set(_ADOPT_ORPHANS, 1)
    line, processes = socket.socket(fileno=int(sys.argv[2])), set[int]()
    try:
        while True:
            order, ends, _, _ = socket.recv_fds(line, _LONGEST, 1)
            if not order:
                return
            asked = json.loads(order)
            if asked["order"] == "fork":
                process = _fork(work, line, ends[0])
                processes.add(process)
                line.sendall(str(process).encode())
            else:
                processes.discard(asked["process"])
                code = _end(asked["process"], asked["grace"])
                _kill_children(sparing=processes)
                line.sendall(str(code).encode())
    finally:
        for process in processes:
            _end(process, 0)
        _kill_children(sparing=set())


def _fork(work: Callable[[socket.socket], None], line: socket.socket, end: int) -> int:
    process = os.fork()
    if process:
        os.close(end)
        return process
    code = 1
    try:
        line.close()
        _set(_DIE_WITH_PARENT, signal.SIGKILL)
        os.setsid()  # it and its own processes are killed as a group
        os.dup2(2, 1)  # what it prints does not mix with what a command prints for other programs
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")  # where memory is short, this process goes first
        _same_start()
        work(socket.socket(fileno=end))
        code = 0
    finally:
        os._exit(code)
    return process


def _set(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _same_start() -> None:
    """Every process computes with one thread and starts with the same global random numbers."""
    import numpy as np
    import torch

    repeatable()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def _end(process: int, grace: float) -> int:
    deadline = time.monotonic() + grace
    while not (ended := os.waitpid(process, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
    if not ended[0]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        ended = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(ended[1])


def _kill_children(sparing: set[int]) -> None:
    """Kills the processes that an ended process has left to the nursery, and those that they leave in turn."""
    while left := _children() - sparing:
        for process in left:
            os.kill(process, signal.SIGKILL)
        for process in left:
            os.waitpid(process, 0)


def _children() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
    return found
