"""Ctrl-C, SIGTERM and SIGUSR1: running work ends cleanly within two seconds, and the user is told how to continue.

SIGUSR1 is what SLURM can be asked to send before it takes a machine away; it does the same as SIGTERM.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

HOW_TO_GO_ON = "stopped; give the same command again to go on (train: with --resume, once a checkpoint is saved)."

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
_GRACE = 1.0  # seconds that running work gets to end by itself
_last_acts: list[Callable[[], object]] = []
_ends_itself = threading.Event()  # set while, and after, a StopRequest handles the signal


class Stopped(BaseException):
    """A signal stopped the work, and all finished work is saved; the sentence says how to continue.

    It is a BaseException, because it is no failure and must not be handled as one.

    Attributes:
        code: the exit code for the signal that shells and schedulers expect: 128 plus the signal's number.
    """

    def __init__(self, number: int, sentence: str = HOW_TO_GO_ON) -> None:
        super().__init__(sentence)
        self.code = 128 + _as_shells_know(number)


def _as_shells_know(number: int) -> int:
    return signal.SIGTERM if number == signal.SIGUSR1 else number


class StopRequest:
    """A context that records SIGINT, SIGTERM and SIGUSR1; a second Ctrl-C interrupts at once.

    Signals reach only the main thread of a process, so in other threads nothing is recorded.

    Args:
        then: called with the number of the first signal.

    Attributes:
        number: the first recorded signal (SIGTERM for SIGUSR1), or 0.
    """

    def __init__(self, then: Callable[[int], object] = lambda number: None) -> None:
        self.number = 0
        self._then = then
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            _ends_itself.set()
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before and not self.number:
            _ends_itself.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number and number == signal.SIGINT:
            _ends_itself.clear()
            raise KeyboardInterrupt
        if not self.number:
            self.number = _as_shells_know(number)
            self._then(self.number)


@contextmanager
def certainly(act: Callable[[], object]) -> Iterator[None]:
    """Calls `act` (quick, and safe to call twice) at the end of the block, even if the process is ended by force."""
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)
        act()


def end_with(parent: int) -> None:
    """Called in a child process: it ends half a second after the process `parent`, however that one ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def ctrl_c_kept_from_children() -> Iterator[None]:
    """Hides Ctrl-C, which a terminal sends to all processes, from processes and threads started inside; we end them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def guarded() -> Iterator[None]:
    """For the main thread: the signals raise `Stopped` inside the block, and end the process at once after it.

    If the process has not ended within a second (a long call outside Python, a swallowed exception, a library that
    waits) and no :class:`StopRequest` is active, it is ended by force: its child processes are killed, the acts given
    to :func:`certainly` are called, and the user is told how to continue.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)  # notified even if Python cannot run a handler
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()
    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # all work is done; only the interpreter has to exit


def _watch(reading: int) -> None:
    while True:
        number = os.read(reading, 1)[0]
        if number in _SIGNALS:
            time.sleep(_GRACE)
            if not _ends_itself.is_set():
                _end(number)


def _end(number: int) -> None:
    """Ends this process after a signal, whatever its main thread is doing."""
    _kill_children()
    for act in [*_last_acts]:
        with contextlib.suppress(OSError):
            act()
    _leave(HOW_TO_GO_ON, 128 + _as_shells_know(number))


def end_now(sentence: str) -> None:
    """Ends this process and its children at once; nothing more is written, not even by the acts of `certainly`."""
    _kill_children()
    _leave(sentence, 1)


def _kill_children() -> None:
    children = multiprocessing.active_children()
    for child in children:
        child.kill()
    for child in children:
        child.join(_GRACE / 10)


def _leave(sentence: str, code: int) -> None:
    cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # show the cursor again: a progress bar hides it
    with contextlib.suppress(OSError):
        os.write(2, f"{cursor}\nbridgebench: {sentence}\n".encode())
    os._exit(code)
