"""Shows how far a training run is: a live line on a terminal, a plain line now and then in a log, and a file."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bridgebench.harness.processes.messages import told
from bridgebench.harness.processes.progress import LINE_SECONDS, Speed, spoken
from bridgebench.harness.train.checkpoint import Progress
from bridgebench.harness.train.progress_file import TrainingProgress

_log = logging.getLogger(__name__)
_FILE_SECONDS = 10.0
_WINDOW_SECONDS = 60.0  # speed is measured over the last minute: a warm-up can be ten times as fast as the rest


class Display:
    """Shows progress with images per second, time left and the newest losses.

    Args:
        total: number of iterations of the recipe, or None.
        progress: progress at the start of this run.
        deadline: value of ``time.monotonic()`` at which the run stops, or None.
        folder: the folder of the run, into which ``progress.json`` is written.
    """

    def __init__(self, total: int | None, progress: Progress, deadline: float | None, folder: Path) -> None:
        self.total, self.deadline, self.folder = total, deadline, folder
        self._speed = Speed(_WINDOW_SECONDS, progress.iteration, progress.images)
        self._last_line = self._last_file = -math.inf
        self._losses: dict[str, float] = {}
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
        now, self._losses = time.monotonic(), dict(losses)
        found = self._found(progress)
        if self._live:
            self._live.update(Text(_line(found)))
        elif now - self._last_line > LINE_SECONDS:
            self._last_line = now
            _log.info(_line(found))
        if now - self._last_file > _FILE_SECONDS:
            self._last_file = now
            found.write(self.folder)

    def finish(self, progress: Progress, weights: Path, complete: bool) -> None:
        """Says where the weights are, and how to resume a run that is not finished."""
        self.note(progress, complete)
        spent = f"{progress.iteration} iterations, {progress.seconds / 60:.1f} minutes in all"
        _log.info(f"Saved {weights} ({spent}).")
        if not complete:
            _log.info("The recipe is not at its end: --resume goes on from here.")

    def note(self, progress: Progress, complete: bool) -> None:
        """Writes how far the run is at the end of this call."""
        self._found(progress).model_copy(update={"complete": complete}).write(self.folder)

    def _found(self, progress: Progress) -> TrainingProgress:
        iterations, images = self._speed(progress.iteration, progress.images)
        return TrainingProgress(
            iteration=progress.iteration,
            total=self.total,
            seconds=progress.seconds,
            images=progress.images,
            images_per_second=images,
            seconds_left=self._seconds_left(progress.iteration, iterations),
            losses={name: value for name, value in self._losses.items() if math.isfinite(value)},
        )

    def _seconds_left(self, iteration: int, rate: float) -> float | None:
        ends = []
        if self.deadline is not None:
            ends.append(self.deadline - time.monotonic())
        if self.total is not None and rate > 0:
            ends.append((self.total - iteration) / rate)
        return max(0.0, min(ends)) if ends else None


def _line(found: TrainingProgress) -> str:
    goal = f"/{found.total}" if found.total else ""
    terms = " ".join(f"{name} {value:.3g}" for name, value in found.losses.items())
    left = "" if found.seconds_left is None else f" · {spoken(found.seconds_left)} left"
    return f"iteration {found.iteration}{goal} · {found.images_per_second:.0f} images/s{left} · {terms}"
