"""Writes the curves of a training run for TensorBoard."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


@contextmanager
def event_log(folder: Path) -> Iterator[EventLog]:
    """Writes event files into a folder.

    If they cannot be written, the training continues without them; its next checkpoint reports the reason.
    """
    before = threading.excepthook

    def quiet(failure: threading.ExceptHookArgs) -> None:
        if not issubclass(failure.exc_type, OSError):  # TensorBoard writes in a thread; nobody can catch its errors
            before(failure)

    threading.excepthook = quiet
    log = EventLog(folder)
    try:
        yield log
    finally:
        log.close()
        threading.excepthook = before


class EventLog:
    """The event files of one run of the program; it stops writing after an error."""

    def __init__(self, folder: Path) -> None:
        self._writer: SummaryWriter | None = None
        with suppress(OSError):
            self._writer = SummaryWriter(str(folder))

    def add(self, values: Mapping[str, float], iteration: int) -> None:
        """Writes the value of each name at an iteration."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):
                for name, value in values.items():
                    writer.add_scalar(name, value, iteration)
                self._writer = writer

    def close(self) -> None:
        """Writes all pending values and closes the files."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
