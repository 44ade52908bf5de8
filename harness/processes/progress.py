"""How far some work is: a bar on a terminal; elsewhere (a log, a pipe) a plain line every 30 seconds."""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bridgebench.harness.processes.messages import told

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_SECONDS = 30.0
_WINDOW_SECONDS = 120.0

_log = logging.getLogger(__name__)


class Speed:
    """How fast some counts grow, over the last `seconds`: the speed of the beginning is soon forgotten.

    Args:
        seconds: the window.
        counts: where the counts begin.
    """

    def __init__(self, seconds: float, *counts: float) -> None:
        self._seconds = seconds
        self._marks = deque([(time.monotonic(), counts)])

    def __call__(self, *counts: float) -> tuple[float, ...]:
        """The growth of each count a second, given where they are now."""
        now = time.monotonic()
        while len(self._marks) > 1 and now - self._marks[1][0] >= self._seconds:
            self._marks.popleft()
        if now - self._marks[-1][0] >= 1:
            self._marks.append((now, counts))
        began, before = self._marks[0]
        elapsed = max(now - began, 1e-6)
        return tuple((count - first) / elapsed for count, first in zip(counts, before, strict=True))


class Meter:
    """Shows how many of `total` items are done; nothing where messages are off.

    Args:
        title: what is done, e.g. "cells".
        total: how many items there are.
        bar: shows the same on a terminal; None in a log.
    """

    def __init__(self, title: str, total: int, bar: Progress | None) -> None:
        self._title, self._total, self._bar = title, total, bar
        self._task = bar.add_task(title, total=total) if bar else None
        self._speed, self._last_line = Speed(_WINDOW_SECONDS, 0, 0), time.monotonic()

    def show(self, done: int, *, images: int, failed: int = 0) -> None:
        """Shows how many items are done, how many of them failed, and how many images that were so far."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done)
            return
        per_second, images_per_second = self._speed(done, images)
        if time.monotonic() - self._last_line < LINE_SECONDS:
            return
        self._last_line = time.monotonic()
        said = [f"{self._title}: {done:,} of {self._total:,} done", *([f"{failed} failed"] if failed else [])]
        said += [f"{images_per_second:,.0f} images/s"] if images_per_second >= 0.5 else []
        said += [f"about {spoken((self._total - done) / per_second)} left"] if per_second else []
        _log.info(", ".join(said))


@contextmanager
def meter(title: str, total: int, *, passing: bool = False) -> Iterator[Meter]:
    """A :class:`Meter` for the block.

    Args:
        title, total: see there.
        passing: remove the bar of a terminal at the end.
    """
    if not (told() and sys.stderr.isatty()):
        yield Meter(title, total, None)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), speed_estimate_period=_WINDOW_SECONDS, transient=passing)
    with bar:
        yield Meter(title, total, bar)


def spoken(seconds: float) -> str:
    """A time in words: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
