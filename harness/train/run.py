"""A training run: what it is made of, one iteration of it, and how it is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.train.checkpoint import Progress, load_checkpoint, save_checkpoint
from bridgebench.harness.train.curves import FIRST
from bridgebench.harness.train.features import lend_features
from bridgebench.harness.train.health import LossGuard, check_networks
from bridgebench.harness.train.precision import AUTO, resolved
from bridgebench.harness.train.sampler import BatchSampler
from bridgebench.harness.train.samples import write_sample_grid
from bridgebench.harness.weights.card_page import write_card
from bridgebench.harness.weights.training_card import describe_training
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import save_editor
from bridgebench.methods.training.averaging import WeightAverage
from bridgebench.methods.training.base import Training
from bridgebench.methods.training.parallel import common_mean, processes
from lightning.fabric import Fabric
from torch import Tensor

from bridgebench import methods

WEIGHTS, SAMPLES = "weights.safetensors", "samples"
# What of a recipe may change when a run goes on: its length, when its learning rate falls, its notes.
_CHANGEABLE = frozenset({"iterations", "cooldown", "decay_iterations", "notes"})


@dataclass(frozen=True)
class Task:
    """What a process must be told to take part in a training run; see :func:`harness.train.loop.train`."""

    method: str
    profile: Profile
    out: Path
    minutes: float | None
    resume: bool
    seed: int
    data_root: Path | None


class Run:
    """A training run in this process. Of several processes, all hold the same run, and the first one writes its files.

    Raises:
        UserError: a recipe that does not fit, or no run to resume.
    """

    def __init__(self, fabric: Fabric, task: Task) -> None:
        profile, method, seed = task.profile, task.method, task.seed
        self.folder, self.device, self.first = task.out, fabric.device, fabric.is_global_zero
        self.weights = task.out / WEIGHTS
        images = open_split(profile, "train", task.data_root)
        recipe = profile.recipe(method)
        used = resolved(recipe, fabric.device)
        self.training = _start(profile, method, used, len(images.labels), seed)
        _check_share(self.training.batch_size)
        fabric.to_device(self.training)  # type: ignore[arg-type]
        self.average = _average(self.training, profile.averaging)
        feature_network = lend_features(self.training, profile, self.device)
        mirror = profile.data.mirror_train
        self.sampler = BatchSampler(images, self.training.batch_size, seed, self.device, mirror=mirror)
        self.generator = torch.Generator().manual_seed(seed)
        kept = {key: value for key, value in recipe.items() if key not in _CHANGEABLE}
        looks_through = {} if feature_network is None else {"feature_network": feature_network}
        registered = profile.variant(method).method
        self.identity = {"method": registered, "recipe": kept, "data": images.digest, "seed": seed, **looks_through}
        of_profile = {"averaging": profile.averaging, "mirror": mirror}
        self.identity |= {key: value for key, value in of_profile.items() if value}
        self.progress = Progress(processes=processes(), threads=torch.get_num_threads())
        if task.resume:
            self.progress = load_checkpoint(
                task.out, self.identity, self.training, self.sampler, self.generator, self.average
            )
        self.progress.total = self.training.total_iterations
        self.faces: ImageSet = open_split(profile, "validation", task.data_root)
        began = self.progress.processes, self.progress.threads
        self.card: dict[str, Any] = describe_training(method, profile, recipe, images, seed, *began) | looks_through
        self.card |= {key: value for key, value in of_profile.items() if value}
        if recipe.get("precision") == AUTO:
            self.card["precision"] = used["precision"]
        self.guard = LossGuard()

    def step(self) -> Mapping[str, float | Tensor]:
        """One iteration, counted; its losses are those of the whole batch."""
        before, started = self.sampler.position, time.perf_counter()
        losses = of_all(self.training.step(self.sampler.next_batch, self.generator))
        self.progress.iteration += 1
        if self.average is not None:
            self.average.update()
        self.progress.seconds += time.perf_counter() - started
        drawn = (self.sampler.position - before) * self.training.batch_size
        self.progress.images += getattr(self.training, "images_an_iteration", drawn)
        self.guard.watch(losses, self.progress.iteration)
        if self.progress.iteration <= FIRST:
            self.progress.curves.begin(self.progress.iteration, numbers(losses))
        return losses

    def note(self, losses: Mapping[str, float | Tensor]) -> dict[str, float]:
        """Puts losses into the training curves of the weights' card, and gives them back as numbers."""
        noted = numbers(losses)
        self.progress.curves.note(self.progress.iteration, noted)
        return noted

    def finished(self) -> bool:
        """Whether the recipe is at its end."""
        total = self.training.total_iterations
        return total is not None and self.progress.iteration >= total

    def save(self) -> None:
        """Checkpoint and weights, of a run in good health; the weights' card says how far training was.

        Raises:
            UserError: a loss or a weight is not finite; the checkpoint before stays.
        """
        self.guard.check()
        check_networks(self.training.state_dict(), self.progress.iteration)
        if not self.first:
            return
        save_checkpoint(
            self.folder, self.identity, self.training, self.sampler, self.generator, self.progress, self.average
        )
        spent = {"iterations": self.progress.iteration, "images_seen": self.progress.images}
        minutes = {"training_minutes": round(self.progress.seconds / 60, 1)}
        curves = {"curves": self.progress.curves.record()}
        with self.averaged():
            save_editor(self.training.editor, self.weights, {**self.card, **spent, **minutes, **curves}, half=True)
        write_card(self.weights)

    def write_samples(self) -> None:
        """A few validation faces as the editor edits them by now."""
        if self.first:
            path = self.folder / SAMPLES / f"{self.progress.iteration:07d}.png"
            with self.averaged():
                write_sample_grid(self.training.editor, self.faces, path, self.device)

    def averaged(self) -> AbstractContextManager[None]:
        """A context in which the editor has its averaged weights, if the run averages."""
        return nullcontext() if self.average is None else self.average.applied()


def _average(training: Training, decay: float) -> WeightAverage | None:
    """The running average of a training's editor; None where the profile has none, or the method keeps its own."""
    if not decay or getattr(training, "averages_itself", False):
        return None
    return WeightAverage(training.editor, decay)  # type: ignore[arg-type]


def _start(profile: Profile, method: str, recipe: Mapping[str, Any], count: int, seed: int) -> Training:
    """What trains a method or variant of a profile on `count` images."""
    editor_class = methods.editor_class(profile.variant(method).method)
    try:
        return editor_class.start_training(recipe, profile.attributes, profile.data.image_size, count, seed)
    except UserError as error:
        if method not in profile.variants:
            raise
        raise UserError(f"The variant '{method}' of the profile '{profile.name}' cannot be trained: {error}") from error


def numbers(losses: Mapping[str, float | Tensor]) -> dict[str, float]:
    """Losses as plain numbers."""
    return {name: float(value) for name, value in losses.items()}


def of_all(losses: Mapping[str, float | Tensor]) -> Mapping[str, float | Tensor]:
    """The means over all processes."""
    if processes() == 1 or not losses:
        return losses
    values = torch.stack([torch.as_tensor(value).float() for value in losses.values()])
    return dict(zip(losses, common_mean(values).unbind(), strict=True))


def _check_share(batch_size: int) -> None:
    if batch_size % processes():
        raise UserError(
            f"A batch of {batch_size} images cannot be shared equally by {processes()} processes: choose --devices so "
            "that it divides the batch."
        )
