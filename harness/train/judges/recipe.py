"""How the networks of an evaluation are trained: tables such as ``[train.classifier]`` of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from bridgebench.harness.profiles.profile import Profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.training.recipe import parse_recipe

Architecture = Literal[
    "resnet", "plain", "resnet18", "resnet50", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny"
]
# What a profile's table need not say.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "classifier": {"architecture": "resnet"},
    "judge": {"architecture": "plain"},
    "features": {"architecture": "resnet", "hidden": 64},
    "guide": {"architecture": "resnet"},
}
SEEDS = {"classifier": 1, "judge": 2, "features": 3, "guide": 4}  # default seeds of the weights and the data order


@dataclass(frozen=True)
class FitRecipe:
    """What the recipes of all networks have that are no method. The optimizer is AdamW.

    Attributes:
        epochs: number of epochs, after which the learning rate is 0 and training ends; None: only minutes count.
        patience: training ends early after this many epochs without a lower validation loss; None: never.
        batch_size: images per step.
        learning_rate: the peak, reached by a short linear warm-up; then half a cosine decays it to 0.
        weight_decay: weight decay of AdamW.
        notes: remarks for readers.
    """

    epochs: Annotated[int, Field(ge=1)] | None = None
    patience: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    notes: str = ""


@dataclass(frozen=True)
class JudgeRecipe(FitRecipe):
    """A judge's recipe (or that of a network like it). The loss is binary cross entropy.

    Attributes:
        architecture: an architecture of `eval.judges.classifier`; the two judges of a profile have different ones.
        hidden: units of the last hidden layer.
        weights: torchvision file with ImageNet weights of a backbone; None: random initial weights.
        crop: the smallest share of a training image's area that a random crop keeps; None: small shifts instead.
    """

    architecture: Architecture = "resnet"
    hidden: Annotated[int, Field(ge=2, le=128)] = 128
    weights: str | None = None
    crop: Annotated[float, Field(ge=0.25, le=1)] | None = None


# The keys of a recipe that may change when a training is resumed.
CHANGEABLE = frozenset({"epochs", "patience", "notes"})


def judge_recipe(which: str, profile: Profile) -> JudgeRecipe:
    """Reads the recipe of a profile's "classifier", "judge", "features" or "guide".

    Raises:
        UserError: `which` is unknown, a key or value is invalid, or both judges have the same architecture.
    """
    if which not in _DEFAULTS:
        raise UserError(f"There is no network '{which}'; train one of {', '.join(_DEFAULTS)}.")
    recipes = {
        name: parse_recipe(JudgeRecipe, default | profile.train.get(name, {}), f"[train.{name}]")
        for name, default in _DEFAULTS.items()
    }
    found = recipes[which]
    if which in ("classifier", "judge") and recipes["classifier"].architecture == recipes["judge"].architecture:
        raise UserError(
            f"[train.classifier] and [train.judge] have the same architecture, '{found.architecture}': give one of "
            "them another, or what fools the first judge fools the second."
        )
    if found.weights is not None and found.architecture in ("resnet", "plain"):
        raise UserError(
            f"[train.{which}] names ImageNet weights, which '{found.architecture}' cannot take: leave out 'weights', "
            "or take one of torchvision's architectures, such as 'resnet18'."
        )
    return found
