"""Training of the two judges: the attribute classifier and the second judge that no method ever sees.

Both learn on attribute-balanced embedded faces (so that no attribute can be read off another that usually comes with
it), randomly corrupted, with binary cross entropy, AdamW and a cosine schedule over the minutes that the caller gives.
They are then scored on the natural test faces and on true flips of them, and the scores go into the file's card.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from torch.nn import functional

from eval.accuracy import hits
from eval.classifier import AttributeClassifier, save_classifier, to_float
from eval.conversions import one_hot
from eval.flips import flip
from eval.judging import read
from harness.data import ImageSet, open_split
from harness.data.faces.dataset import load_faces
from harness.profiles import Profile, load_profile
from harness.provenance import hardware, packages
from harness.train.corruption import corrupt
from methods import weights
from methods.attributes import are_domains
from methods.errors import UserError

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "classifier": {"architecture": "resnet", "width": 32},
    "judge": {"architecture": "plain", "width": 32},
}
SEEDS = {"classifier": 1, "judge": 2}
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.02
_BATCH = 64
_WARM_UP = 0.03  # share of the training time
_FLIPPED_FACES = 60


def train_classifier(
    which: str,
    profile: str | Profile,
    minutes: float,
    out: str | Path | None = None,
    seed: int | None = None,
    data_root: Path | None = None,
) -> Path:
    """Trains, scores and saves one of the two judges of a profile.

    Args:
        which: "classifier" (the primary judge and feature space) or "judge" (the second).
        profile: a profile or its name.
        minutes: how long to train; scoring comes after it.
        out: the file; by default the zoo's for this profile.
        seed: of the weights and of the data order; the two judges have different ones by default.
        data_root: where a data set of photos lies.

    Returns:
        The file that was written.

    Raises:
        UserError: an unknown `which`, or no time to train in.
    """
    if which not in ARCHITECTURES:
        raise UserError(f"There is no classifier '{which}'; train 'classifier' or 'judge'.")
    if not (math.isfinite(minutes) and minutes > 0):
        raise UserError(f"The training time must be more than 0 minutes, not {minutes}.")
    if isinstance(profile, str):
        profile = load_profile(profile)
    seed = SEEDS[which] if seed is None else seed
    device = "cuda" if torch.cuda.is_available() else "cpu"
    console = Console()
    train, test = _training_set(profile, data_root), open_split(profile, "test", data_root)
    torch.manual_seed(seed)
    model = AttributeClassifier(profile.attributes, **ARCHITECTURES[which]).to(device)
    steps = _fit(model, train, 60 * minutes, seed, console)
    scores = score(model, test)
    _print_scores(console, which, scores)
    path = Path(out) if out is not None else weights.shipped(which, profile.name)
    card = {
        "recipe": {
            **ARCHITECTURES[which],
            "loss": "binary cross entropy",
            "optimizer": "AdamW",
            "learning_rate": _LEARNING_RATE,
            "weight_decay": _WEIGHT_DECAY,
            "schedule": "cosine over the training time",
            "batch": _BATCH,
            "steps": steps,
            "profile": profile.name,
        },
        "data": {"train": train.digest, "test": test.digest, "image_size": train.image_size},
        "scores": scores,
        "minutes": minutes,
        "seed": seed,
        "hardware": hardware(),
        "packages": packages(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    save_classifier(model, path, card)
    console.print(f"Saved {path}")
    return path


def score(model: AttributeClassifier, test: ImageSet) -> dict[str, Any]:
    """How well a judge reads unseen faces.

    Returns:
        ``{"test": {"n", "mean", "min", "accuracy": {attribute: share}}, "flips": the same or None}``: shares of right
        readings in [0, 1] on the natural test images, and of the flipped attribute on true flips of them (of domains:
        on their true conversions to each).
    """
    columns = test.attributes
    right = read(model, test.images).seen(columns) == (np.asarray(test.labels) == 1)
    natural = dict(zip(test.attributes, right.mean(axis=0).tolist(), strict=True))
    scores: dict[str, Any] = {"test": _summary(natural, len(right)), "flips": None}
    if test.has_truth:
        indices = np.arange(min(_FLIPPED_FACES, len(test.images)))
        flips = {}
        for column, attribute in enumerate(test.attributes):
            if are_domains(columns):
                labels = one_hot(attribute, columns, len(indices))
            else:
                labels = flip(np.asarray(test.labels)[indices], attribute, columns)
            reading = read(model, test.true_edit(indices, labels, attribute=attribute))
            flips[attribute] = float(hits(reading.seen(columns), labels, column).mean())
        scores["flips"] = _summary(flips, len(indices))
    return scores


def _training_set(profile: Profile, data_root: Path | None) -> ImageSet:
    """Balanced faces where we draw them; elsewhere the faces that there are."""
    if profile.data.name != "faces":
        return open_split(profile, "train", data_root)
    return load_faces("train", profile.data.train, profile.data.image_size, balance=True)


def _fit(model: AttributeClassifier, train: ImageSet, seconds: float, seed: int, console: Console) -> int:
    """Trains for `seconds`; returns the number of steps taken."""
    device = next(model.parameters()).device
    order = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    labels = torch.from_numpy(np.asarray(train.labels, dtype=np.float32)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    queue = np.empty(0, dtype=np.int64)
    steps, loss_mean, start = 0, math.log(2), time.monotonic()
    bar = Progress(
        TextColumn("step {task.fields[step]}  loss {task.fields[loss]:.4f}  {task.fields[speed]:.0f} images/s"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    model.train()
    with bar:
        task = bar.add_task("train", total=seconds, step=0, loss=loss_mean, speed=0)
        while (elapsed := time.monotonic() - start) < seconds:
            for group in optimizer.param_groups:
                group["lr"] = _LEARNING_RATE * _schedule(elapsed / seconds)
            if len(queue) < _BATCH:
                queue = np.concatenate([queue, order.permutation(len(train.images))])
            chosen, queue = np.sort(queue[:_BATCH]), queue[_BATCH:]
            images = corrupt(to_float(np.asarray(train.images[chosen]), device), noise)
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(images)
            loss = functional.binary_cross_entropy_with_logits(logits.float(), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            steps += 1
            loss_mean += 0.02 * (loss.item() - loss_mean)
            bar.update(task, completed=elapsed, step=steps, loss=loss_mean, speed=steps * _BATCH / max(elapsed, 1e-3))
    model.eval()
    return steps


def _schedule(progress: float) -> float:
    """Linear warm-up, then half a cosine down to 0."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def _summary(accuracy: dict[str, float], count: int) -> dict[str, Any]:
    values = list(accuracy.values())
    return {"n": count, "mean": sum(values) / len(values), "min": min(values), "accuracy": accuracy}


def _print_scores(console: Console, which: str, scores: dict[str, Any]) -> None:
    columns = {"test faces": scores["test"], **({"true flips": scores["flips"]} if scores["flips"] else {})}
    table = Table("attribute", *(f"{name} (N={column['n']})" for name, column in columns.items()), title=which)
    for attribute in scores["test"]["accuracy"]:
        table.add_row(attribute, *(f"{100 * column['accuracy'][attribute]:.1f} %" for column in columns.values()))
    table.add_section()
    for line in ("mean", "min"):
        table.add_row(line, *(f"{100 * column[line]:.1f} %" for column in columns.values()))
    console.print(table)
