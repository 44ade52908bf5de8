"""Training of the networks of an evaluation: two judges, the feature network of distances, and the guide of trainings.

The second judge is one that no method ever sees. The guide is lent to the training of a method that looks through a
network. The feature network neither judges nor guides. It learns more than the labels, so that distances in its last
hidden layer see more: the parameters of a drawing (who, pose, light, styles), or all 40 attributes of CelebA's photos.

All learn from randomly corrupted images. Drawn faces are attribute-balanced, so that a network cannot infer an
attribute from another one that often occurs with it. The state with the lowest validation loss is kept. It is scored on
the natural test images and, if the data set has them, on true flips; the scores go into the card of the weights file.

A run is a folder, as for every training (`harness.train.loop`). A killed run can be resumed.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridgebench.eval.judges.backbones import load_imagenet
from bridgebench.eval.judges.classifier import AttributeClassifier, as_stored, save_classifier
from bridgebench.eval.records.marks import check_folder, mark
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.drawn.dataset import DrawnSet
from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.data.open import open_split
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.train.checkpoint import Resume, check_minutes, goes_on, refuse_a_run_there
from bridgebench.harness.train.judges.fit import JudgeFit
from bridgebench.harness.train.judges.recipe import SEEDS, JudgeRecipe, judge_recipe
from bridgebench.harness.train.judges.scores import score, scores_table
from bridgebench.harness.weights.card_page import write_card
from bridgebench.harness.weights.find import training_folder
from bridgebench.harness.weights.training_card import describe_training
from bridgebench.methods.core.files import refuse_existing
from bridgebench.methods.core.labels import CELEBA40

DEFAULT_MINUTES = 6.0  # for a recipe that gives no length
_log = logging.getLogger(__name__)


def train_judge(
    which: str,
    profile: Profile,
    minutes: float | None = None,
    out: Path | None = None,
    seed: int | None = None,
    data_root: Path | None = None,
    resume: Resume = False,
    stretch: float | None = None,
) -> Path | None:
    """Trains, scores and saves one of the networks of a profile.

    Args:
        which: "classifier" (the primary judge), "judge" (the second), "features" (the space of distances) or "guide".
        profile: it holds the recipe, e.g. ``[train.classifier]``.
        minutes: limit of the whole training, resumed or not; the learning rate decays accordingly. Scoring comes after
            it. None: the recipe's epochs, or six minutes if the recipe gives none.
        out: folder of the run, which will hold ``weights.safetensors``; or a .safetensors file, whose run folder has
            the same name without the ending.
        seed: seed of the weights, the data order and all draws; the networks have different ones by default.
        data_root: folder of a data set of photos.
        resume: continue from the last checkpoint in the folder; "auto": if there is one, else start.
        stretch: stop after this many seconds in any case; `resume` continues later.

    Returns:
        The weights file; None if the training is not finished.

    Raises:
        UserError: `which` is unknown, the recipe is invalid, there is no time to train, the run or the file exists
            already, there is no run to resume, or training broke down.
        Stopped: a signal asked to stop; a checkpoint has been saved.
    """
    recipe = judge_recipe(which, profile)
    check_minutes(minutes)
    folder, path = _places(which, profile, out)
    refuse_a_run_there(folder, resume)
    if path.parent != folder and not goes_on(folder, resume):
        refuse_existing(path)
        refuse_existing(path.with_suffix(".md"))  # its card
    check_folder(
        folder, "training", older=partial(goes_on, resume=resume)
    )  # a checkpoint to resume is checked before any writing
    seed = SEEDS[which] if seed is None else seed
    if which == "features":
        profile = _with_all_attributes(profile)
    train, test = _training_set(profile, data_root), open_split(profile, "test", data_root)
    validation = open_split(profile, "validation", data_root)
    outputs: tuple[str, ...] = train.attributes
    if which == "features":
        (outputs, train), (_, validation) = map(_with_parameters, (train, validation))
    with locked(folder):
        fit = _begin(which, recipe, train, validation, outputs, seed)
        if goes_on(folder, resume):
            fit.load(folder)
        mark(folder, "training")
        if minutes is not None or (fit.seconds is None and recipe.epochs is None):
            fit.seconds = 60 * (DEFAULT_MINUTES if minutes is None else minutes)
        fit.run(folder, stretch)
        if fit.ended is None:
            _log.info(f"The {which} is not at its end after {fit.progress.iteration} steps: --resume goes on.")
            return None
        model = fit.classifier
        model.load_state_dict(as_stored(model))  # the scored weights are those that the file will hold
        scores = score(model, test)
        _log.info(scores_table(which, scores))
        card = describe_training(which, profile, _recipe_card(fit), train, seed, 1, torch.get_num_threads())
        save_classifier(model, path, {**card, **_training_card(fit, validation, test), "scores": scores})
        write_card(path)
    _log.info(f"Saved {path} ({fit.ended}).")
    return path


def _places(which: str, profile: Profile, out: Path | None) -> tuple[Path, Path]:
    """The folder of a run, and its weights file."""
    if out is not None and out.suffix == ".safetensors":
        return out.with_suffix(""), out
    folder = training_folder(which, profile) if out is None else out
    return folder, folder / "weights.safetensors"


def _training_set(profile: Profile, data_root: Path | None) -> ImageSet:
    """The training images; for drawn faces, a set in which about half of the images have each attribute."""
    if profile.data.name != "faces":
        return open_split(profile, "train", data_root)
    size, attributes = profile.data.image_size, profile.attributes
    return load_faces("train", profile.data.train, size, balance=True, attributes=attributes)


def _with_all_attributes(profile: Profile) -> Profile:
    """A profile of photos of CelebA with all 40 attributes, its own first; any other as it is."""
    if profile.data.name != "celeba":
        return profile
    return profile.model_copy(update={"attributes": tuple(dict.fromkeys((*profile.attributes, *CELEBA40)))})


def _with_parameters(images: ImageSet) -> tuple[tuple[str, ...], ImageSet]:
    """Names of the columns, and drawings whose labels go on with the drawing's own parameters; photos as they are."""
    if not isinstance(images, DrawnSet):
        return images.attributes, images
    names, values = images.parameters()
    labels = np.concatenate([np.asarray(images.labels, np.float32), values], axis=1)
    return (*images.attributes, *names), replace(images, labels=labels)


def _begin(
    which: str, recipe: JudgeRecipe, train: ImageSet, validation: ImageSet, outputs: tuple[str, ...], seed: int
) -> JudgeFit:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    model = AttributeClassifier(outputs, recipe.architecture, hidden=recipe.hidden)
    identity: dict[str, Any] = {"classifier": which, "attributes": list(outputs)}
    if recipe.weights is not None:
        identity["ImageNet weights"] = load_imagenet(model.trunk, recipe.architecture, recipe.weights)
    sided = isinstance(train, DrawnSet) and which == "features"  # it learns yaw, parting and the side of the light
    return JudgeFit(model.to(device), recipe, train, validation, seed, identity, mirror=not sided)


def _recipe_card(fit: JudgeFit) -> dict[str, Any]:
    """The recipe for the card: without its unset keys, and with the settings that all judges share."""
    chosen = {key: value for key, value in asdict(fit.recipe).items() if value not in (None, "")}
    fixed = {"loss": "binary cross entropy", "optimizer": "AdamW", "schedule": "warm-up, then cosine down to 0"}
    return {**chosen, **fixed, "steps": fit.progress.iteration}


def _training_card(fit: JudgeFit, validation: ImageSet, test: ImageSet) -> dict[str, Any]:
    """Facts about the training, for the card."""
    an_epoch, best = fit.sampler.batches_an_epoch, fit.best
    imagenet = fit.identity.get("ImageNet weights")
    return {
        "splits": {"validation": validation.digest, "test": test.digest},
        "first_weights": "random" if imagenet is None else f"ImageNet's, SHA-256 {imagenet}",
        "minutes": round(fit.progress.seconds / 60, 2),
        "epochs": round(fit.progress.iteration / an_epoch, 1),
        "ended": fit.ended,
        "best": {
            "epoch": round(best.iteration / an_epoch, 1),
            "validation_loss": float(f"{best.loss:.4g}"),
            "validation_accuracy": float(f"{best.figures['accuracy']:.4g}"),
            "n": len(validation.labels),
        },
        "curves": fit.progress.curves.record(),
    }
