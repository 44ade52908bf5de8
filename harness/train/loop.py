"""The training loop that all methods share, on one device under Lightning Fabric.

A run lives in a folder: ``checkpoint.pt`` (all that decides how it goes on), ``weights.safetensors`` (the editor, with
its training card), ``samples/`` (grids) and TensorBoard's event files. Killed at any instant, it goes on from its last
checkpoint to the same weights as an undisturbed run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

import methods
from harness.data.open import open_split
from harness.profiles import Profile
from harness.provenance import describe_training
from harness.train.checkpoint import FILE, Progress, load_checkpoint, save_checkpoint
from harness.train.display import Display
from harness.train.features import lend_features
from harness.train.sampler import BatchSampler
from harness.train.samples import write_sample_grid
from methods.errors import UserError
from methods.training import Training
from methods.weights import save_editor

# What of a recipe may change when a run goes on: its length, over how long its learning rate falls, and its notes.
_CHANGEABLE = frozenset({"iterations", "cooldown", "decay_iterations", "notes"})
_LOG_EVERY = 20
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
    seed: int = 0,
    data_root: Path | None = None,
) -> Path:
    """Trains a method by its recipe in a profile, and saves its weights.

    Args:
        method: a trainable method.
        profile: its data and the table ``[train.<method>]``.
        out: folder of the run.
        minutes: stop after this time even if the recipe is not at its end; `resume` goes on later.
        resume: go on from the last checkpoint in `out`.
        seed: of the networks, of all draws, and of the order of the data.
        data_root: where a data set that is not embedded lies.

    Returns:
        The weights file.

    Raises:
        UserError: a recipe that does not fit, a run that is there already, or none to resume.
    """
    if (out / FILE).exists() and not resume:
        raise UserError(f"A training run is in {out} already; go on with --resume, or give another --out.")
    fabric = Fabric(accelerator="auto", devices=1)
    images = open_split(profile, "train", data_root)
    recipe = profile.train.get(method, {})
    editor_class = methods.editor_class(method)
    size, count = profile.data.image_size, len(images.labels)
    training = editor_class.start_training(recipe, profile.attributes, size, count, seed)
    fabric.to_device(training)  # type: ignore[arg-type]
    feature_network = lend_features(training, profile, fabric.device)
    sampler = BatchSampler(images, training.batch_size, seed, fabric.device)
    generator = torch.Generator().manual_seed(seed)
    kept = {key: value for key, value in recipe.items() if key not in _CHANGEABLE}
    looks_through = {} if feature_network is None else {"feature_network": feature_network}
    identity = {"method": method, "recipe": kept, "data": images.digest, "seed": seed, **looks_through}
    run = _Run(out, identity, training, sampler, generator, Progress())
    if resume:
        run.progress = load_checkpoint(out, identity, training, sampler, generator)
    faces = open_split(profile, "validation", data_root)
    card = describe_training(method, profile, recipe, images, seed) | looks_through
    _iterate(run, faces, card, minutes, fabric.device)
    return run.weights


class _Run:
    """What a run is made of, and how it is kept."""

    def __init__(
        self,
        folder: Path,
        identity: dict[str, Any],
        training: Training,
        sampler: BatchSampler,
        generator: torch.Generator,
        progress: Progress,
    ) -> None:
        self.folder, self.identity, self.training = folder, identity, training
        self.sampler, self.generator, self.progress = sampler, generator, progress
        self.weights = folder / "weights.safetensors"

    def step(self) -> Mapping[str, float | Tensor]:
        """One iteration, counted."""
        before, started = self.sampler.position, time.perf_counter()
        losses = self.training.step(self.sampler.next_batch, self.generator)
        self.progress.iteration += 1
        self.progress.seconds += time.perf_counter() - started
        self.progress.images += (self.sampler.position - before) * self.training.batch_size
        return losses

    def finished(self) -> bool:
        """Whether the recipe is at its end."""
        total = self.training.total_iterations
        return total is not None and self.progress.iteration >= total

    def save(self, card: dict[str, Any]) -> None:
        """Checkpoint and weights; the weights' card says how far training was."""
        save_checkpoint(self.folder, self.identity, self.training, self.sampler, self.generator, self.progress)
        spent = {"iterations": self.progress.iteration, "images_seen": self.progress.images}
        minutes = {"training_minutes": round(self.progress.seconds / 60, 1)}
        save_editor(self.training.editor, self.weights, {**card, **spent, **minutes}, half=True)


def _iterate(run: _Run, faces: Any, card: dict[str, Any], minutes: float | None, device: torch.device) -> None:
    started = saved = time.monotonic()
    next_samples = started + _FIRST_SAMPLES_SECONDS
    deadline = None if minutes is None else started + 60 * minutes
    losses: Mapping[str, float | Tensor] = {}
    with (
        SummaryWriter(str(run.folder)) as log,
        Display(run.training.total_iterations, run.progress, run.training.batch_size, deadline) as display,
    ):
        while not run.finished() and (deadline is None or time.monotonic() < deadline):
            losses = {**losses, **run.step()}
            if run.progress.iteration % _LOG_EVERY == 0:
                numbers = _checked(losses, run)
                for name, value in numbers.items():
                    log.add_scalar(name, value, run.progress.iteration)
                display.show(run.progress, numbers)
            now = time.monotonic()
            if now - saved > _CHECKPOINT_SECONDS:
                run.save(card)
                saved = now
            if now > next_samples:
                next_samples = now + _SAMPLES_SECONDS
                _write_samples(run, faces, device)
        run.save(card)
        _write_samples(run, faces, device)
        display.finish(run.progress, run.weights, run.finished())


def _write_samples(run: _Run, faces: Any, device: torch.device) -> None:
    path = run.folder / "samples" / f"{run.progress.iteration:07d}.png"
    write_sample_grid(run.training.editor, faces, path, device)


def _checked(losses: Mapping[str, float | Tensor], run: _Run) -> dict[str, float]:
    """The losses as numbers.

    Raises:
        UserError: one of them is not finite; the last checkpoint stays.
    """
    numbers = {name: float(value) for name, value in losses.items()}
    for name, value in numbers.items():
        if not torch.isfinite(torch.tensor(value)):
            raise UserError(
                f"The loss {name} became {value} at iteration {run.progress.iteration}; the last good checkpoint is "
                f"in {run.folder}. Try a lower learning_rate in the profile."
            )
    return numbers
