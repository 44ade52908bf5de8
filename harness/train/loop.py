"""The training loop that all methods share, under Lightning Fabric: in one process, or in several on every batch.

A run lives in a folder: ``checkpoint.pt`` (all that decides how it goes on), ``weights.safetensors`` (the editor, with
its training card), ``weights.md`` (that card, to read), ``samples/`` (grids) and TensorBoard's event files. Killed at
any instant, it goes on from its last checkpoint to the same weights as an undisturbed run; asked to stop (Ctrl-C,
SIGTERM), it saves one first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import torch
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.processes.memory import keep_freed
from bridgebench.harness.processes.stopping import Stopped, StopRequest, certainly
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.train.checkpoint import FILE
from bridgebench.harness.train.display import Display
from bridgebench.harness.train.events import event_log
from bridgebench.harness.train.launch import launch
from bridgebench.harness.train.run import SAMPLES, WEIGHTS, Run, Task
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import remove_temporaries
from bridgebench.methods.training.parallel import highest
from lightning.fabric import Fabric
from torch import Tensor

NOTE_EVERY = 20
_CHECKPOINT_SECONDS = 60.0
_SAMPLES_SECONDS = 300.0
_FIRST_SAMPLES_SECONDS = 60.0


def train(
    method: str,
    profile: Profile,
    *,
    out: Path,
    minutes: float | None = None,
    resume: bool = False,
    seed: int | None = None,
    data_root: Path | None = None,
    devices: int = 1,
) -> Path:
    """Trains a method by its recipe in a profile, and saves its weights.

    Args:
        method: a trainable method, or a variant of the profile.
        profile: its data and the table ``[train.<method>]``.
        out: folder of the run.
        minutes: stop after this time even if the recipe is not at its end; `resume` goes on later.
        resume: go on from the last checkpoint in `out`, with any number of devices.
        seed: of the networks, of all draws, and of the order of the data; None: the variant's own, 0 of a method.
        data_root: where a data set that is not embedded lies.
        devices: processes that share every batch, one a GPU (or, without GPUs, on the CPU).

    Returns:
        The weights file.

    Raises:
        UserError: a recipe that does not fit, a run that is there already, or none to resume; or training broke down.
        Stopped: asked to by a signal, after saving a checkpoint.
    """
    if (out / FILE).exists() and not resume:
        raise UserError(f"A training run is in {out} already; go on with --resume, or give another --out.")
    seed = profile.variant(method).seed if seed is None else seed
    task = Task(method, profile, out, minutes, resume, seed, data_root)
    first = os.environ.get("RANK", "0") == "0"  # torchrun starts this in every process
    with _held(out) if first else nullcontext():
        stopped = launch(run_task, task, devices)
    if stopped:
        raise Stopped(stopped, "stopped, and a checkpoint is saved; give the same command with --resume to go on.")
    return out / WEIGHTS


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """The folder is this run's; what a run that was killed left half written, and what this one leaves, is removed."""

    def clean() -> None:
        for name in (FILE, WEIGHTS, "weights.md", f"{SAMPLES}/*.png"):
            remove_temporaries(out, name)

    with locked(out), certainly(clean):
        clean()
        yield


def run_task(fabric: Fabric, task: Task) -> int:
    """Trains in this process, alone or as one of several; returns the signal that stopped it, or 0."""
    keep_freed()
    run = Run(fabric, task)
    losses: Mapping[str, float | Tensor] = {}
    with StopRequest() as request, _Notes(run, task.minutes) as notes:
        clock, stop = _Clock(run, task.minutes), 0
        while not run.finished():
            due = clock.due(request.number)
            stop = due.stop
            if due.stop or due.end:
                break
            if due.checkpoint:
                run.save()
            if due.samples:
                run.write_samples()
            losses = {**losses, **run.step()}
            if run.progress.iteration % NOTE_EVERY == 0:
                run.guard.check()
                notes.show(run.note(losses))
        run.save()
        if not stop:
            run.write_samples()
        notes.finish()
    return stop


class _Due(NamedTuple):
    """What is to be done before the next iteration; `stop` is the number of a signal."""

    stop: int
    end: bool
    checkpoint: bool
    samples: bool


class _Clock:
    """Says what is due. Of several processes, the first one's clock holds for all, and a signal to any of them."""

    def __init__(self, run: Run, minutes: float | None) -> None:
        self._run, self._saved = run, time.monotonic()
        self._samples = self._saved + _FIRST_SAMPLES_SECONDS
        self._end = float("inf") if minutes is None else self._saved + 60 * minutes

    def due(self, signal: int) -> _Due:
        """`signal`: the number of the one that this process got, or 0."""
        now = time.monotonic()
        mine = _Due(signal, now >= self._end, now - self._saved > _CHECKPOINT_SECONDS, now > self._samples)
        values = [*mine] if self._run.first else [signal, 0, 0, 0]
        stop, end, checkpoint, samples = highest(torch.tensor(values, device=self._run.device)).tolist()
        if checkpoint:
            self._saved = now
        if samples:
            self._samples = now + _SAMPLES_SECONDS
        return _Due(stop, bool(end), bool(checkpoint), bool(samples))


class _Notes:
    """What the first process tells its user and TensorBoard."""

    def __init__(self, run: Run, minutes: float | None) -> None:
        self._run, self._open = run, ExitStack()
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    def __enter__(self) -> _Notes:
        run = self._run
        if run.first:
            display = Display(run.training.total_iterations, run.progress, run.training.batch_size, self._end)
            self._log = self._open.enter_context(event_log(run.folder))
            self._display = self._open.enter_context(display)
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def show(self, losses: Mapping[str, float]) -> None:
        """The newest losses."""
        if not self._run.first:
            return
        self._log.add(losses, self._run.progress.iteration)
        self._display.show(self._run.progress, losses)

    def finish(self) -> None:
        """Where the weights are, and how to go on with a run that is not at its end."""
        if self._run.first:
            self._display.finish(self._run.progress, self._run.weights, self._run.finished())
