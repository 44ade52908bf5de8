"""Training curves that fit into a weights file: the losses of a whole run in at most a hundred points.

The losses of the first iterations are kept one by one, so that two runs can be compared after a short time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST = 100  # must be even
FIRST = 100  # iterations kept one by one, to check whether a training was reproduced


@dataclass
class Curves:
    """Losses over iterations. When there are too many points, each pair of neighbours is replaced by its mean.

    Attributes:
        stride: number of notes that make a point.
        pending: notes of the unfinished point: (iteration, losses).
        points: (iteration of the last note, losses), from oldest to newest.
        first: (iteration, losses) of the first iterations.
    """

    stride: int = 1
    pending: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    points: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    first: list[tuple[int, dict[str, float]]] = field(default_factory=list)

    def begin(self, iteration: int, losses: Mapping[str, float]) -> None:
        """Adds the losses of one of the first iterations."""
        self.first.append((iteration, dict(losses)))

    def note(self, iteration: int, losses: Mapping[str, float]) -> None:
        """Adds the losses at an iteration."""
        self.pending.append((iteration, dict(losses)))
        if len(self.pending) == self.stride:
            self.points.append(mean_of(self.pending))
            self.pending = []
        if len(self.points) == MOST:
            self.points = [mean_of(self.points[i : i + 2]) for i in range(0, MOST, 2)]
            self.stride *= 2

    def record(self) -> dict[str, Any]:
        """``{"iterations": [int], "losses": {name: [float or None]}}``, at most MOST points, four figures per value.

        "first" holds the same for the first iterations with six figures, if they were added.
        """
        points = [*self.points, *([mean_of(self.pending)] if self.pending else [])]
        first = {"first": _table(self.first, 6)} if self.first else {}
        return {**_table(points, 4), **first}


def mean_of(notes: Sequence[tuple[int, dict[str, float]]]) -> tuple[int, dict[str, float]]:
    """The point made from notes: the iteration of the last note, and each term's mean over the notes that have it."""
    names = dict.fromkeys(name for _, losses in notes for name in losses)
    found = {name: [losses[name] for _, losses in notes if name in losses] for name in names}
    return notes[-1][0], {name: sum(values) / len(values) for name, values in found.items()}


def _table(points: Sequence[tuple[int, dict[str, float]]], figures: int) -> dict[str, Any]:
    names = dict.fromkeys(name for _, losses in points for name in losses)
    return {
        "iterations": [iteration for iteration, _ in points],
        "losses": {name: [_short(losses.get(name), figures) for _, losses in points] for name in names},
    }


def _short(value: float | None, figures: int) -> float | None:
    return None if value is None else float(f"{value:.{figures}g}")
