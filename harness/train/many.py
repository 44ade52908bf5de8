"""`bridgebench train METHOD METHOD...`: trains many systems of a profile, each by its own recipe, in a given time.

The networks of the evaluation come first, because some methods look through the guide. The remaining time is divided
among the methods in proportion to what their recipes still need, estimated from the time per iteration, so that all
methods are about equally far at the end. The last weights are kept; no weights are selected by their results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridgebench.harness.processes.stopping import Stopped
from bridgebench.harness.processes.terminal import text_table
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.train.checkpoint import Progress, read_progress
from bridgebench.harness.train.judges.train import train_judge
from bridgebench.harness.train.loop import train
from bridgebench.harness.weights.find import NETWORKS, training_folder
from bridgebench.methods.core.errors import UserError

_MEASURING = 0.15  # share of a stretch for measuring the speed of systems that have never run
_LEAST = 5.0  # seconds; shorter training is not worth starting


@dataclass(frozen=True)
class System:
    """A judge, method or variant of a profile, and its training run."""

    name: str
    profile: Profile

    @property
    def folder(self) -> Path:
        """The folder of its training run."""
        return training_folder(self.name, self.profile)

    @property
    def weights(self) -> Path:
        """Its weights file, which benchmarks use."""
        return self.folder / "weights.safetensors"

    @property
    def is_network(self) -> bool:
        """Whether it is one of the networks of the evaluation, not a method."""
        return self.name in NETWORKS

    def progress(self) -> Progress:
        """The progress of its training."""
        return read_progress(self.folder)

    def total(self, progress: Progress) -> int | None:
        """The number of iterations of the recipe; None if the recipe gives none or it is not known yet."""
        return progress.total if self.is_network else self.profile.recipe(self.name).get("iterations", progress.total)

    def finished(self) -> bool:
        """Whether the recipe is finished. A judge's weights are written only then."""
        if self.is_network or not self.weights.is_file():
            return self.weights.is_file()
        progress = self.progress()
        total = self.total(progress)
        return total is not None and progress.iteration >= total

    def seconds_left(self) -> float | None:
        """Estimated seconds for the rest of the recipe at the speed so far; None if the speed is not known yet."""
        progress = self.progress()
        total = self.total(progress)
        if not progress.iteration or total is None:
            return None
        return progress.seconds / progress.iteration * (total - progress.iteration)


def systems_of(profile: Profile, names: Sequence[str]) -> list[System]:
    """The systems of these names, networks of the evaluation first; of the one name "all": all that can be trained.

    Raises:
        UserError: a name is unknown, or has nothing to train.
    """
    if [*names] == ["all"]:
        named = dict.fromkeys([*profile.methods, *profile.variants])
        trained = [name for name in named if profile.card(name).trainable]
        networks = [name for name in NETWORKS if name not in profile.weights]
        return [System(name, profile) for name in [*networks, *trained]]
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in NETWORKS and not profile.card(name).trainable:
            raise UserError(f"The method '{name}' has nothing to train.")
    chosen.sort(key=lambda name: name not in NETWORKS)
    return [System(name, profile) for name in chosen]


def train_many(
    systems: Sequence[System],
    *,
    minutes: float | None = None,
    data_root: Path | None = None,
    devices: int = 1,
    say: Callable[[str], Any] = print,
) -> list[str]:
    """Continues the training of all unfinished `systems`, then reports the progress of each.

    Args:
        systems: the systems to train, networks of the evaluation first.
        minutes: time limit of this call; None: until every recipe is finished.
        data_root: folder of a data set that is not embedded.
        devices: number of processes that share every batch of a method.
        say: called with each line for the user.

    Returns:
        The names of the systems whose training broke down; the others were trained further.

    Raises:
        Stopped: a signal asked to stop; everything is saved.
    """
    stretch = _Stretch(systems, minutes, {"data_root": data_root}, devices, say)
    try:
        stretch.run()
    except Stopped as stopped:
        sentence = "stopped; what was trained is saved, and the same command goes on."
        raise Stopped(stopped.code - 128, sentence) from stopped
    finally:
        say(progress_table(systems))
    return stretch.failed


def shares(left: float, needs: Sequence[float]) -> list[float]:
    """Divides `left` seconds in proportion to the needs."""
    whole = sum(needs)
    return [left * need / whole for need in needs]


def progress_table(systems: Sequence[System]) -> str:
    """A table of the training progress of each system."""
    rows = []
    for system in systems:
        progress = system.progress()
        total = system.total(progress)
        of = "" if total is None else f" of {total:,}"
        weights = str(system.weights) if system.weights.is_file() else "none yet"
        spent = f"{progress.seconds / 60:.1f}"
        rows.append((system.name, f"{progress.iteration:,}{of}", f"{progress.images:,}", spent, weights))
    return text_table(("system", "iterations", "images seen", "minutes", "weights"), rows)


class _Stretch:
    """Plans and spends the time of one call of `train_many`."""

    def __init__(
        self,
        systems: Sequence[System],
        minutes: float | None,
        data: dict[str, Any],
        devices: int,
        say: Callable[[str], Any],
    ) -> None:
        self.failed: list[str] = []
        self._systems, self._data, self._devices, self._say = systems, data, devices, say
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    def run(self) -> None:
        """Trains the networks, then briefly each method of unknown speed, then all methods by their needs."""
        for system in self._open(networks=True):
            self._go_on(system, self._left())
        if self._end is None:
            for system in self._open(networks=False):
                self._go_on(system, None)
            return
        new = [system for system in self._open(networks=False) if not system.progress().iteration]
        for system, share in zip(new, shares(_MEASURING * self._seconds(), [1.0] * len(new)), strict=True):
            self._go_on(system, share)
        while (waiting := self._open(networks=False)) and self._seconds() > _LEAST:
            self._divide(waiting)

    def _divide(self, waiting: list[System]) -> None:
        """Trains each system for its share of the time; unused time goes to the systems after it."""
        needs = [self._need(system) for system in waiting]
        for system, need, share in zip(waiting, needs, shares(self._seconds(), needs), strict=True):
            self._say(f"{system.name}: about {need / 60:.1f} minutes to go, up to {share / 60:.1f} of them now.")
        for k, system in enumerate(waiting):
            if self._seconds() > 0:
                self._go_on(system, shares(self._seconds(), needs[k:])[0])

    def _need(self, system: System) -> float:
        """The seconds that a system still needs; all remaining time if its recipe has no end."""
        found = system.seconds_left()
        return self._seconds() if found is None else max(found, 1.0)

    def _open(self, *, networks: bool) -> list[System]:
        """The systems of one kind (networks, or methods) that are not finished and have not failed."""
        kind = [system for system in self._systems if system.is_network == networks and system.name not in self.failed]
        return [system for system in kind if not system.finished()]

    def _left(self) -> float | None:
        return None if self._end is None else self._seconds()

    def _seconds(self) -> float:
        assert self._end is not None
        return max(0.0, self._end - time.monotonic())

    def _go_on(self, system: System, seconds: float | None) -> None:
        """Trains a system for some seconds, or to its end."""
        if seconds == 0:
            return
        self._say(f"Training {system.name}.")
        try:
            if system.is_network:
                train_judge(system.name, system.profile, resume="auto", stretch=seconds, **self._data)
            else:
                minutes = None if seconds is None else seconds / 60
                train(
                    system.name,
                    system.profile,
                    out=system.folder,
                    minutes=minutes,
                    resume="auto",
                    devices=self._devices,
                    **self._data,
                )
        except UserError as error:  # the other systems can continue
            self.failed.append(system.name)
            self._say(f"FAILED {system.name}: {error}")
