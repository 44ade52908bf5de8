"""Training of the network that finds the eyes in photos (`harness.photo.eyes`), by which a photo is aligned.

It learns from CelebA's training photos alone, on random windows whose eyes are known (`harness.train.eyes.windows`).
The state with the lowest loss on windows of the validation photos is kept, and measured on windows of the test photos.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridgebench.eval.judges.classifier import as_stored, to_float
from bridgebench.eval.records.marks import check_folder, mark
from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.celeba import PHOTO_SIZE, load_celeba
from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.data.resize import Preparation
from bridgebench.harness.photo.eyes import EyeNetwork, Sight
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.train.checkpoint import Resume, check_minutes, goes_on, refuse_a_run_there
from bridgebench.harness.train.eyes.windows import PART, SIDE, Windows, random_windows
from bridgebench.harness.train.judges.fit import NetworkFit
from bridgebench.harness.train.judges.recipe import FitRecipe
from bridgebench.harness.weights.card_page import write_card
from bridgebench.harness.weights.find import EYES, training_folder
from bridgebench.harness.weights.training_card import describe_training
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import save_tensors
from bridgebench.methods.training.recipe import parse_recipe

SEED = 5
_DRAWN_FACES, _DRAWN_SIDE = 1000, 64
_GLASSES = "Eyeglasses"
_CHUNK = 199  # photos whose windows are made together
_WEIGHTS = {"eyes": 0.3, "maps": 0.5, "drawn": 1.0, "covered": 1.0}  # of the losses, beside that of the face
_SPREAD = 0.06  # standard deviation of the right maps around an eye, as a share of the window's side
_log = logging.getLogger(__name__)


def train_eyes(
    profile: Profile,
    minutes: float | None = None,
    out: Path | None = None,
    seed: int | None = None,
    data_root: Path | None = None,
    resume: Resume = False,
) -> Path:
    """Trains, measures and saves the network that finds eyes.

    Args:
        profile: a profile of CelebA's photos; it holds the recipe, ``[train.eyes]``.
        minutes: limit of the whole training, resumed or not; None: the recipe's epochs.
        out: folder of the run, which will hold ``weights.safetensors``.
        seed: seed of the weights, the order of the photos and all draws.
        data_root: the folder of CelebA.
        resume: continue from the last checkpoint in the folder; "auto": if there is one, else start.

    Returns:
        The weights file.

    Raises:
        UserError: the profile has no photos of CelebA or its recipe is invalid, there is a run already or none to
            resume, or training broke down.
        Stopped: a signal asked to stop; a checkpoint has been saved.
    """
    if profile.data.name != "celeba":
        raise UserError(
            f"The eyes are learned from CelebA's aligned photos, which '{profile.name}' does not use: give --profile "
            "celeba64."
        )
    recipe = parse_recipe(FitRecipe, profile.train.get(EYES, {}), f"[train.{EYES}]")
    if minutes is None and recipe.epochs is None:
        raise UserError(f"[train.{EYES}] gives no epochs: name them there, or give --minutes.")
    check_minutes(minutes)
    folder = training_folder(EYES, profile) if out is None else out
    refuse_a_run_there(folder, resume)
    check_folder(folder, "training", older=partial(goes_on, resume=resume))
    seed = SEED if seed is None else seed
    train, validation, test = (_photos(profile, split, data_root) for split in ("train", "validation", "test"))
    drawings = load_faces("train", _DRAWN_FACES, _DRAWN_SIDE, balance=True)
    with locked(folder):
        torch.manual_seed(seed)
        fit = EyeFit(EyeNetwork(), recipe, train, validation, drawings, seed)
        if goes_on(folder, resume):
            fit.load(folder)
        mark(folder, "training")
        if minutes is not None:
            fit.seconds = 60 * minutes
        fit.run(folder, None)
        fit.network.load_state_dict(as_stored(fit.network))  # the measured weights are those that the file will hold
        found = _figures(fit.network, list(_windows(test, to_float(np.asarray(drawings.images)))))
        _log.info(", ".join(f"{name} {value:.4g}" for name, value in found.items()))
        card = describe_training(EYES, profile, _recipe_card(fit), train, seed, 1, torch.get_num_threads())
        path = folder / "weights.safetensors"
        facts = {**_training_card(fit), "windows": {"n": len(test), **found}}
        save_tensors(path, as_stored(fit.network), EYES, fit.network.config, {**card, **facts})
        write_card(path)
    _log.info(f"Saved {path} ({fit.ended}).")
    return path


class EyeFit(NetworkFit):
    """The network in training.

    Args:
        network: the network, on the CPU; trained in place.
        recipe, train, validation, seed: see :class:`NetworkFit`. The one label says whether the person wears glasses.
        drawings: drawn faces.
    """

    def __init__(
        self,
        network: EyeNetwork,
        recipe: FitRecipe,
        train: ImageSet,
        validation: ImageSet,
        drawings: ImageSet,
        seed: int,
    ) -> None:
        super().__init__(network, recipe, train, validation, seed, {"drawings": drawings.digest})
        self.network = network
        self.drawings = to_float(np.asarray(drawings.images))
        self.known = list(_windows(validation, self.drawings))

    def loss_of(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss of one random window on each photo."""
        windows = random_windows(images, labels[:, 0], self.drawings, self.generator)
        return _loss(self.network(windows.images), windows)

    def measure(self) -> dict[str, float]:
        """Figures on windows of the validation photos, which are the same each time."""
        return _figures(self.network, self.known)


def _photos(profile: Profile, split: Split, data_root: Path | None) -> ImageSet:
    """The photos of a split of the profile as `random_windows` takes them, and who wears glasses."""
    preparation = Preparation(PART, "antialiased", SIDE, PHOTO_SIZE)
    return load_celeba(
        data_root,
        split,
        (_GLASSES,),
        SIDE,
        count=getattr(profile.data, split),
        rule=profile.data.split,
        preparation=preparation,
        skip_damaged=profile.data.skip_damaged,
    )


def _windows(photos: ImageSet, drawings: Tensor) -> Iterator[Windows]:
    """A window on each photo of a set, the same ones for the same set."""
    generator = torch.Generator().manual_seed(0)
    for start in range(0, len(photos), _CHUNK):
        rows = slice(start, start + _CHUNK)
        glasses = torch.from_numpy(np.asarray(photos.labels[rows, 0], np.float32))
        yield random_windows(to_float(photos.images[rows]), glasses, drawings, generator)


def _loss(sight: Sight, windows: Windows) -> Tensor:
    """Cross entropies of the answers and the maps, and the likelihood of the eyes' error by the doubt (Laplace's)."""
    shown = ~windows.eyes.isnan().flatten(1).any(dim=1)
    eyes, doubt, maps = windows.eyes[shown], sight.doubt[shown], sight.maps[shown]
    likely = ((sight.eyes[shown] - eyes).abs().sum(dim=2) * torch.exp(-doubt) + 2 * doubt).mean()
    cells = (torch.arange(maps.shape[3]) + 0.5) / maps.shape[3]
    x, y = (torch.exp(-0.5 * ((cells - eyes[:, :, k : k + 1]) / _SPREAD) ** 2) for k in range(2))
    right = y[:, :, :, None] * x[:, :, None, :]
    right = right / right.sum(dim=(2, 3), keepdim=True)
    return (
        _cross_entropy(sight.face, windows.face)
        + _WEIGHTS["eyes"] * likely
        - _WEIGHTS["maps"] * (right * maps).sum(dim=(2, 3)).mean()
        + _WEIGHTS["drawn"] * _cross_entropy(sight.drawn, windows.drawn)
        + _WEIGHTS["covered"] * _cross_entropy(sight.covered, windows.covered)
    )


def _cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Of the windows for which there is a right answer; 0 if there is none."""
    known = ~truth.isnan()
    if not known.any():
        return logits.sum() * 0
    return functional.binary_cross_entropy_with_logits(logits[known], truth[known])


@torch.no_grad()
def _figures(network: EyeNetwork, known: list[Windows]) -> dict[str, float]:
    """The loss; the eyes' mean and 95th percentile of error, as shares of their distance; shares of right answers.

    "face" is the share of faces that are taken for one, "no_face" of other windows that are not; "drawn" and "covered"
    are the means of such two shares.
    """
    sights = [network(windows.images) for windows in known]
    loss = float(torch.stack([_loss(sight, windows) for sight, windows in zip(sights, known, strict=True)]).mean())
    sight = Sight(*(torch.cat(parts) for parts in zip(*sights, strict=True)))
    windows = Windows(*(torch.cat(parts) for parts in zip(*known, strict=True)))
    error = (sight.eyes - windows.eyes).norm(dim=2).mean(dim=1) / windows.distance
    error = error[~error.isnan()]

    def right(logits: Tensor, truth: Tensor, value: int) -> float:
        return float(((logits > 0).float() == truth)[truth == value].float().mean().nan_to_num(0))

    return {
        "loss": loss,
        "error": float(error.mean()),
        "error_95": float(error.quantile(0.95)),
        "face": right(sight.face, windows.face, 1),
        "no_face": right(sight.face, windows.face, 0),
        "drawn": (right(sight.drawn, windows.drawn, 0) + right(sight.drawn, windows.drawn, 1)) / 2,
        "covered": (right(sight.covered, windows.covered, 0) + right(sight.covered, windows.covered, 1)) / 2,
    }


def _recipe_card(fit: EyeFit) -> dict[str, Any]:
    chosen = {key: value for key, value in asdict(fit.recipe).items() if value not in (None, "")}
    fixed = {"optimizer": "AdamW", "schedule": "warm-up, then cosine down to 0"}
    return {**chosen, **fixed, "steps": fit.progress.iteration}


def _training_card(fit: EyeFit) -> dict[str, Any]:
    """Facts about the training, for the card."""
    an_epoch, best = fit.sampler.batches_an_epoch, fit.best
    return {
        "minutes": round(fit.progress.seconds / 60, 2),
        "ended": fit.ended,
        "best": {"epoch": round(best.iteration / an_epoch, 1), **best.figures, "n": len(fit.validation)},
        "curves": fit.progress.curves.record(),
    }
