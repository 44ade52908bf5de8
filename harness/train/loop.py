"""The training loop that all methods share. `train_here` holds the whole loop, from profile to weights.

A run is a folder with ``checkpoint.pt`` (the complete training state), ``weights.safetensors`` (the editor with its
training card), ``weights.md`` (the card as text), ``samples/`` (grids) and TensorBoard's event files. A run that was
killed at any time can be resumed from its last checkpoint and gives the same weights as an uninterrupted run. On
Ctrl-C or SIGTERM, a run saves a checkpoint before it stops.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor

from bridgebench import methods
from bridgebench.eval.records.marks import check_folder, mark
from bridgebench.harness.data.open import open_split
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.processes.memory import keep_freed
from bridgebench.harness.processes.stopping import Stopped, StopRequest, certainly
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.train.checkpoint import (
    FILE,
    Progress,
    Resume,
    goes_on,
    load_checkpoint,
    refuse_a_run_there,
    save_checkpoint,
)
from bridgebench.harness.train.curves import FIRST
from bridgebench.harness.train.display import Display
from bridgebench.harness.train.features import lend_features
from bridgebench.harness.train.health import LossGuard, check_networks
from bridgebench.harness.train.launch import by_torchrun, launch
from bridgebench.harness.train.precision import AUTO, resolved
from bridgebench.harness.train.progress_file import FILE as PROGRESS
from bridgebench.harness.train.sampler import BatchSampler
from bridgebench.harness.train.samples import write_sample_grid
from bridgebench.harness.train.tensorboard import event_log
from bridgebench.harness.weights.card_page import write_card
from bridgebench.harness.weights.training_card import describe_training
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import remove_temporaries
from bridgebench.methods.training.averaging import WeightAverage
from bridgebench.methods.training.base import Training
from bridgebench.methods.training.parallel import common_mean, highest, processes

WEIGHTS, SAMPLES = "weights.safetensors", "samples"
NOTE_EVERY = 20
_CHECKPOINT_SECONDS = 60.0
_SAMPLES_SECONDS = 300.0
_FIRST_SAMPLES_SECONDS = 60.0
# The keys of a recipe that may change when a run is resumed: its length, learning-rate decay and notes.
_CHANGEABLE = frozenset({"iterations", "cooldown", "decay_iterations", "notes"})


def train(
    method: str,
    profile: Profile,
    *,
    out: Path,
    minutes: float | None = None,
    resume: Resume = False,
    seed: int | None = None,
    data_root: Path | None = None,
    devices: int = 1,
) -> Path:
    """Trains a method by its recipe in a profile, and saves its weights.

    Args:
        method: a trainable method, or a variant of the profile.
        profile: gives the data and the recipe, in the table ``[train.<method>]``.
        out: folder of the run.
        minutes: stop after this time even if the recipe is not finished; `resume` continues later.
        resume: continue from the last checkpoint in `out`, with any number of devices; "auto": if there is one, else
            start.
        seed: seed of the networks, all draws and the order of the data; None: the variant's seed, or 0 for a method.
        data_root: folder of a data set that is not embedded.
        devices: number of processes that share every batch, one per GPU (or on the CPU if there are no GPUs).

    Returns:
        The weights file.

    Raises:
        UserError: the recipe is invalid, the run exists already, there is no run to resume, or training broke down.
        Stopped: a signal asked to stop; a checkpoint has been saved.
    """
    refuse_a_run_there(out, resume)
    check_folder(
        out, "training", older=partial(goes_on, resume=resume)
    )  # a checkpoint to resume is checked before any writing
    seed = profile.variant(method).seed if seed is None else seed
    work = partial(
        train_here, method=method, profile=profile, out=out, seed=seed, minutes=minutes, data_root=data_root,
    )  # fmt: skip
    first = not by_torchrun() or os.environ["RANK"] == "0"  # torchrun starts this in every process
    with _held(out) if first else nullcontext():
        stopped = launch(partial(work, resume=goes_on(out, resume)), devices)  # nobody else writes from here on
    if stopped:
        raise Stopped(stopped, "stopped, and a checkpoint is saved; give the same command with --resume to go on.")
    return out / WEIGHTS


def train_here(
    fabric: Fabric,
    *,
    method: str,
    profile: Profile,
    out: Path,
    seed: int,
    minutes: float | None = None,
    resume: bool = False,
    data_root: Path | None = None,
    watch: Callable[[int, Mapping[str, float]], bool] | None = None,
) -> int:
    """The whole training in this process, which is alone or one of several that share every batch.

    All processes hold the same networks at any time. The first process writes the files and the messages to the user.

    Args:
        fabric: knows the device of this process, and whether it is the first process.
        watch: called with the number of every iteration (from 1) and its losses; training ends when it returns True.
            With `watch`, nothing is written or shown (for `bridgebench weights reproduce`).

    For the other arguments see :func:`train`.

    Returns:
        The signal that stopped the training, or 0.

    Raises:
        UserError: the recipe is invalid, there is no run to resume, or a loss or a weight is not finite.
    """
    keep_freed()
    device, writes = fabric.device, fabric.is_global_zero and watch is None

    # The networks that learn, and the images that they learn from.
    images, faces = (open_split(profile, split, data_root) for split in ("train", "validation"))
    recipe = profile.recipe(method)
    used = resolved(recipe, device)
    training = _start(profile, method, used, len(images.labels), seed)
    _check_share(training.batch_size)
    fabric.to_device(training)  # type: ignore[arg-type]
    average = _average(training, profile.averaging)
    feature_network = lend_features(training, profile, device)
    sampler = BatchSampler(images, training.batch_size, seed, device, mirror=profile.data.mirror_train)
    generator = torch.Generator().manual_seed(seed)

    # The same run is resumed from its checkpoint, at exactly the same iteration.
    special = {"feature_network": feature_network, "averaging": profile.averaging, "mirror": profile.data.mirror_train}
    special = {key: value for key, value in special.items() if value}
    fixed = {key: value for key, value in recipe.items() if key not in _CHANGEABLE}
    registered = profile.variant(method).method
    identity = {"method": registered, "recipe": fixed, "data": images.digest, "seed": seed, **special}
    progress = Progress(processes=processes(), threads=torch.get_num_threads())
    if resume:
        progress = load_checkpoint(out, identity, training, sampler, generator, average)
    total = progress.total = training.total_iterations
    if writes:
        mark(out, "training")

    # The card of the weights records what they were made from.
    card = describe_training(method, profile, recipe, images, seed, progress.processes, progress.threads) | special
    if recipe.get("precision") == AUTO:
        card["precision"] = used["precision"]
    guard = LossGuard()

    def save() -> None:
        """Writes checkpoint and weights. If training has broken down, it raises and keeps the previous checkpoint."""
        guard.check()
        check_networks(training.state_dict(), progress.iteration)
        if writes:
            save_checkpoint(out, identity, training, sampler, generator, progress, average)
            with average.applied() if average else nullcontext():
                methods.save(training.editor, out / WEIGHTS, card | _spent(progress), half=True)
            write_card(out / WEIGHTS)

    def write_samples() -> None:
        """Writes edits of a few validation images by the current editor."""
        if writes:
            with average.applied() if average else nullcontext():
                path = out / SAMPLES / f"{progress.iteration:07d}.png"
                write_sample_grid(training.editor, faces, path, device)

    losses: dict[str, float | Tensor] = {}
    stop, saved = 0, time.monotonic()
    next_samples, end = saved + _FIRST_SAMPLES_SECONDS, float("inf") if minutes is None else saved + 60 * minutes
    with StopRequest() as request, ExitStack() as shown:
        if writes:
            log = shown.enter_context(event_log(out))
            deadline = None if minutes is None else end
            display = shown.enter_context(Display(total, progress, deadline, out))
        while total is None or progress.iteration < total:
            # What is due before the next iteration, by the first process's clock; a signal to any process counts.
            now = time.monotonic()
            due = [now >= end, now - saved > _CHECKPOINT_SECONDS, now > next_samples]
            mine = torch.tensor([request.number, *(each and fabric.is_global_zero for each in due)], device=device)
            stop, ended, checkpoint_due, samples_due = highest(mine).tolist()
            if stop or ended:
                break
            if checkpoint_due:
                save()
                saved = now
            if samples_due:
                write_samples()
                next_samples = now + _SAMPLES_SECONDS

            # One iteration. Loss terms that are not computed in it keep their last value.
            position, started = sampler.position, time.perf_counter()
            new = _mean_over_processes(training.step(sampler.next_batch, generator))
            if average is not None:
                average.update()
            progress.iteration += 1
            progress.seconds += time.perf_counter() - started
            drawn = (sampler.position - position) * training.batch_size
            progress.images += getattr(training, "images_an_iteration", drawn)
            losses |= new

            # Reports. Losses are read from the device only now and then, so that the loop does not wait for the GPU.
            guard.watch(new, progress.iteration)
            if progress.iteration <= FIRST:
                progress.curves.begin(progress.iteration, _numbers(new))
            if progress.iteration % NOTE_EVERY == 0:
                guard.check()
                progress.curves.note(progress.iteration, _numbers(losses))
                if writes:
                    log.add(_numbers(losses), progress.iteration)
                    display.show(progress, _numbers(losses))
            if watch is not None and watch(progress.iteration, _numbers(new)):
                break
        save()
        if not stop:
            write_samples()
        if writes:
            display.finish(progress, out / WEIGHTS, total is not None and progress.iteration >= total)
    return stop


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Locks the run's folder; removes half-written files of an earlier killed run, and at the end those of this run."""

    def clean() -> None:
        for name in (FILE, WEIGHTS, "weights.md", PROGRESS, f"{SAMPLES}/*.png"):
            remove_temporaries(out, name)

    with locked(out), certainly(clean):
        clean()
        yield


def _start(profile: Profile, method: str, recipe: Mapping[str, Any], count: int, seed: int) -> Training:
    """The networks and optimizers for training a method, or a variant of the profile, on `count` images."""
    registered = profile.variant(method).method
    try:
        size = profile.data.image_size
        return methods.start_training(registered, recipe, profile.attributes, size, count, seed, profile.space)
    except UserError as error:
        if method not in profile.variants:
            raise
        raise UserError(f"The variant '{method}' of the profile '{profile.name}' cannot be trained: {error}") from error


def _check_share(batch_size: int) -> None:
    if batch_size % processes():
        raise UserError(
            f"A batch of {batch_size} images cannot be shared equally by {processes()} processes: choose --processes "
            "so that it divides the batch."
        )


def _average(training: Training, decay: float) -> WeightAverage | None:
    """The running average of the editor's weights; None if the profile has none or the method keeps its own."""
    if not decay or getattr(training, "averages_itself", False):
        return None
    return WeightAverage(training.editor, decay)  # type: ignore[arg-type]


def _mean_over_processes(losses: Mapping[str, float | Tensor]) -> Mapping[str, float | Tensor]:
    """The losses of the whole batch: the mean over the processes, each of which has a part of the batch."""
    if processes() == 1 or not losses:
        return losses
    values = torch.stack([torch.as_tensor(value).float() for value in losses.values()])
    return dict(zip(losses, common_mean(values).unbind(), strict=True))


def _numbers(losses: Mapping[str, float | Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in losses.items()}


def _spent(progress: Progress) -> dict[str, Any]:
    """What the card records about the training so far."""
    return {
        "iterations": progress.iteration,
        "images_seen": progress.images,
        "training_minutes": round(progress.seconds / 60, 1),
        "curves": progress.curves.record(),
    }
