"""The messages of bridgebench: what goes on, as plain lines, and how loud it is.

All code sends its messages to the loggers ``bridgebench.*``; who uses bridgebench as a library hears warnings alone, as
Python has it. The command line shows what is done (INFO) on standard output, or on standard error where JSON is the
result; warnings on standard error; and each step with its time (DEBUG) only with --verbose, on standard error.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bridgebench.harness.processes.terminal import printable

LOGGER = logging.getLogger("bridgebench")
_YELLOW, _PLAIN = "\x1b[33m", "\x1b[0m"


@dataclass(frozen=True)
class Loudness:
    """Which messages are shown, and where.

    Attributes:
        level: the lowest level of `logging` that is shown.
        aside: whether all messages go to standard error, because standard output holds a result for programs.
    """

    level: int = logging.INFO
    aside: bool = False


def start_messages(loudness: Loudness) -> None:
    """Shows the messages from now on; replaces what an earlier call in this process set up."""
    for handler in [*LOGGER.handlers]:
        if isinstance(handler, _PlainLines):
            LOGGER.removeHandler(handler)
    LOGGER.addHandler(_PlainLines(loudness))
    LOGGER.setLevel(loudness.level)
    logging.captureWarnings(loudness.level <= logging.DEBUG)  # the warnings of libraries are for developers


def loudness() -> Loudness | None:
    """How loud the messages of this process are, to hand on to its worker processes; None: nothing was set up."""
    return next((handler.loudness for handler in LOGGER.handlers if isinstance(handler, _PlainLines)), None)


def told() -> bool:
    """Whether messages on what goes on are shown; without them there are no progress bars either."""
    return LOGGER.isEnabledFor(logging.INFO)


@contextmanager
def step(logger: logging.Logger, what: str) -> Iterator[None]:
    """Says (DEBUG) how long a step took, after it."""
    started = time.perf_counter()
    yield
    logger.debug("%s (%.1f s).", what, time.perf_counter() - started)


class _PlainLines(logging.Handler):
    """Shows each message as a plain line."""

    def __init__(self, loudness: Loudness) -> None:
        super().__init__()
        self.loudness = loudness

    def emit(self, record: logging.LogRecord) -> None:
        line = printable(record.getMessage())
        if record.levelno < logging.INFO:
            line = f"{time.strftime('%H:%M:%S')} {record.name.removeprefix('bridgebench.')}: {line}"
        aside = self.loudness.aside or record.levelno != logging.INFO
        stream = sys.stderr if aside else sys.stdout
        if record.levelno >= logging.WARNING and stream.isatty():
            line = f"{_YELLOW}{line}{_PLAIN}"
        print(line, file=stream, flush=True)
