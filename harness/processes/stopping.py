"""Ctrl-C and SIGTERM: what is running comes to a good end within two seconds, and says how to go on."""

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

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE = 1.0  # seconds that what is running has to end by itself
_last_acts: list[Callable[[], object]] = []
_ends_itself = threading.Event()  # set while, and after, a StopRequest takes care of the signal


class Stopped(BaseException):
    """Work was stopped by a signal after all that it had done was kept; the sentence says how to go on.

    No failure of anything, so that nothing that handles failures takes it for one.

    Attributes:
        code: the exit code by which shells and schedulers know the signal, 128 and its number.
    """

    def __init__(self, number: int, sentence: str = HOW_TO_GO_ON) -> None:
        super().__init__(sentence)
        self.code = 128 + number


class StopRequest:
    """Notes SIGINT and SIGTERM while it is entered; a second Ctrl-C interrupts at once.

    Signals reach a process's main thread alone, so in another thread nothing is noted.

    Args:
        then: called with the number of the first signal.

    Attributes:
        number: the first signal noted, or 0.
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
            self.number = number
            self._then(number)


@contextmanager
def certainly(act: Callable[[], object]) -> Iterator[None]:
    """Calls `act` (quick, and safe to call twice) at the end of the block, also where the process is ended by force."""
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)
        act()


@contextmanager
def ctrl_c_kept_from_children() -> Iterator[None]:
    """Processes and threads that are started inside never see Ctrl-C, which a terminal sends to all: we end them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def guarded() -> Iterator[None]:
    """For a process's main thread: Ctrl-C and SIGTERM raise `Stopped` inside, and end the process at once after it.

    Where that does not end it within a second (a long call outside of Python, an exception that somebody swallows, a
    library that waits), and no :class:`StopRequest` holds, it is ended by force: its processes are killed, all that
    was to be done :func:`certainly` is done, and the user is told how to go on.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)  # told of a signal even if Python cannot run a handler
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()
    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # all is done: only the interpreter has to end


def _watch(reading: int) -> None:
    while True:
        number = os.read(reading, 1)[0]
        if number in _SIGNALS:
            time.sleep(_GRACE)
            if not _ends_itself.is_set():
                _end(number)


def _end(number: int) -> None:
    """Ends this process, whatever its main thread is at."""
    children = multiprocessing.active_children()
    for child in children:
        child.kill()
    for child in children:
        child.join(_GRACE / 10)
    for act in [*_last_acts]:
        with contextlib.suppress(OSError):
            act()
    cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides it
    with contextlib.suppress(OSError):
        os.write(2, f"{cursor}\nbridgebench: {HOW_TO_GO_ON}\n".encode())
    os._exit(128 + number)
