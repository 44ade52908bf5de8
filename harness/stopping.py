"""Ctrl-C and SIGTERM as requests: what is running comes to a good end first, and says how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Work was stopped by a signal after all that it had done was kept; the sentence says how to go on.

    No failure of anything, so that nothing that handles failures takes it for one.

    Attributes:
        code: the exit code by which shells and schedulers know the signal, 128 and its number.
    """

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = 128 + number


class StopRequest:
    """Notes SIGINT and SIGTERM while it is entered; a second Ctrl-C interrupts at once.

    Signals reach a process's main thread alone, so in another thread nothing is noted.

    Attributes:
        number: the first signal noted, or 0.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = self.number or number


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends what runs inside as Ctrl-C does: files are closed and workers ended, and `Stopped` is raised."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number, "stopped; give the same command again (train: with --resume) to go on.")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
