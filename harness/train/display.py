"""Progress display of a training run: a live line in a terminal, or a plain line now and then in a log."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bridgebench.harness.processes.messages import told
from bridgebench.harness.train.checkpoint import Progress

_log = logging.getLogger(__name__)
_LINE_SECONDS = 30.0
_WINDOW_SECONDS = 60.0  # speed is measured over the last minute: a warm-up can be ten times as fast as the rest


class Display:
    """Shows progress with images per second, time left and the newest losses.

    Args:
        total: number of iterations of the recipe, or None.
        progress: progress at the start of this run.
        batch_size: images per batch.
        deadline: value of ``time.monotonic()`` at which the run stops, or None.
    """

    def __init__(self, total: int | None, progress: Progress, batch_size: int, deadline: float | None) -> None:
        self.total, self.deadline, self.batch_size = total, deadline, batch_size
        self._marks = deque([(time.monotonic(), progress.iteration, progress.images)])
        self._last_line = 0.0
        console = Console(highlight=False)
        self._live = Live(console=console, refresh_per_second=2) if told() and console.is_terminal else None

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, progress: Progress, losses: Mapping[str, float]) -> None:
        """Shows how far the run is and its newest losses."""
        line = self._line(progress, losses)
        if self._live:
            self._live.update(Text(line))
        elif time.monotonic() - self._last_line > _LINE_SECONDS:
            self._last_line = time.monotonic()
            _log.info(line)

    def finish(self, progress: Progress, weights: Path, complete: bool) -> None:
        """Says where the weights are, and how to resume a run that is not finished."""
        spent = f"{progress.iteration} iterations, {progress.seconds / 60:.1f} minutes in all"
        _log.info(f"Saved {weights} ({spent}).")
        if not complete:
            _log.info("The recipe is not at its end: --resume goes on from here.")

    def _line(self, progress: Progress, losses: Mapping[str, float]) -> str:
        began, iteration, images = self._window(progress)
        elapsed = max(time.monotonic() - began, 1e-6)
        per_second = (progress.images - images) / elapsed
        goal = f"/{self.total}" if self.total else ""
        terms = " ".join(f"{name} {value:.3g}" for name, value in losses.items())
        left = self._seconds_left(progress.iteration, (progress.iteration - iteration) / elapsed)
        remaining = "" if left is None else f" · {left / 60:.0f} min left"
        return f"iteration {progress.iteration}{goal} · {per_second:.0f} images/s{remaining} · {terms}"

    def _window(self, progress: Progress) -> tuple[float, int, int]:
        """The start of the last minute (or of the run, if later), and the iterations and images until then."""
        now = time.monotonic()
        while len(self._marks) > 1 and now - self._marks[1][0] >= _WINDOW_SECONDS:
            self._marks.popleft()
        if now - self._marks[-1][0] >= 1:
            self._marks.append((now, progress.iteration, progress.images))
        return self._marks[0]

    def _seconds_left(self, iteration: int, rate: float) -> float | None:
        ends = []
        if self.deadline is not None:
            ends.append(self.deadline - time.monotonic())
        if self.total is not None and rate > 0:
            ends.append((self.total - iteration) / rate)
        return max(0.0, min(ends)) if ends else None
