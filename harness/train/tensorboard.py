"""TensorBoard's curves of a training run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


@contextmanager
def event_log(folder: Path) -> Iterator[EventLog]:
    """Writes event files into a folder.

    If they cannot be written, the training goes on without them: its next checkpoint says why.
    """
    before = threading.excepthook

    def quiet(failure: threading.ExceptHookArgs) -> None:
        if not issubclass(failure.exc_type, OSError):  # TensorBoard writes in a thread, whose errors nobody can catch
            before(failure)

    threading.excepthook = quiet
    log = EventLog(folder)
    try:
        yield log
    finally:
        log.close()
        threading.excepthook = before


class EventLog:
    """The event files of one call of the program, as long as they can be written."""

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
        """Writes what is still waiting to be written."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
