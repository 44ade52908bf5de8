"""The card of trained weights: what it says of their training, which is enough to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from bridgebench.harness.processes.environment import code, hardware, packages
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.profiles.variants import Variant
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header

if TYPE_CHECKING:
    from bridgebench.harness.data.base import ImageSet

BALANCED = "balanced"
# Balanced training sets of drawn faces (20,000 at 64 and at 32 px), by digest: older cards do not say it in words.
_BALANCED_SETS = (
    "af91545f876acf1e7d64f4802a3e90deb1c7c89a94b9979cc502d2aa7dada261",
    "a723b204bd7783e11d7878d59cf780cb671cd35864e52a9e2b34bcaebd6a0ebc",
)
REPRODUCED = "reproduced"  # the variant that stands for the file's method


def describe_training(
    method: str,
    profile: Profile,
    recipe: dict[str, Any],
    images: ImageSet,
    seed: int,
    processes: int,
    threads: int,
) -> dict[str, Any]:
    """The card that trained weights carry: what they were made from. The loop adds how long it trained.

    Args:
        method: the method, or variant of one, that is trained.
        profile: its profile.
        recipe: the profile's for it.
        images: the training images.
        seed: of networks, draws and the order of the data.
        processes, threads: how many shared every batch when the run began, and how many threads each of them had: both
            decide how sums are rounded.
    """
    together = f" --processes {processes}" if processes > 1 else ""
    balance = getattr(images, "balance", None)  # of drawn faces alone
    return {
        "origin": f"bridgebench train {method} --profile {profile.name}{together}",
        "profile": profile.name,
        "recipe": recipe,
        "data": {
            "name": images.name,
            "digest": images.digest,
            "n": len(images.labels),
            "image_size": images.image_size,
            **({} if balance is None else {"labels": BALANCED if balance else "natural"}),
        },
        "seed": seed,
        "processes": processes,
        "threads": threads,
        "code": code(),
        "packages": packages(),
        "hardware": hardware(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def labels_of(card: Mapping[str, Any]) -> Literal["balanced", "natural"] | None:
    """How the labels of the training images were drawn, "balanced" or "natural"; None where nothing was drawn."""
    data = card.get("data")
    if not isinstance(data, dict):  # a card may come from anybody
        return None
    if data.get("labels") == "natural":
        return "natural"
    return "balanced" if data.get("labels") == "balanced" or str(data.get("digest")) in _BALANCED_SETS else None


class StoredLosses(BaseModel):
    """Losses at some iterations, as they are in a card: a column for each term."""

    iterations: list[int] = []
    losses: dict[str, list[float | None]] = {}

    def at(self) -> dict[int, dict[str, float]]:
        """The losses by iteration; a term without a value there is left out."""
        rows = zip(self.iterations, zip(*self.losses.values(), strict=True), strict=True)
        return {
            iteration: {term: value for term, value in zip(self.losses, row, strict=True) if value is not None}
            for iteration, row in rows
        }

    def size(self, term: str) -> float:
        """The mean of a term's absolute values."""
        known = [abs(value) for value in self.losses[term] if value is not None]
        return sum(known) / len(known)

    @model_validator(mode="after")
    def _one_value_an_iteration(self) -> StoredLosses:
        lengths = {len(values) for values in self.losses.values()} or {0}
        if lengths != {len(self.iterations)}:
            raise ValueError("each loss must have a value for every iteration.")
        return self


class StoredCurves(StoredLosses):
    """Each point is the mean over the notes since the point before; `first` are iterations as they were."""

    first: StoredLosses = StoredLosses()

    def known(self) -> list[int]:
        """The iterations of which there are losses."""
        return sorted({*self.first.iterations, *self.iterations})


class _Data(BaseModel):
    digest: str
    labels: str | None = None


class TrainingCard(BaseModel):
    """The part of a weights file's card that says how the weights were trained."""

    profile: str
    recipe: dict[str, Any]
    seed: int
    processes: int = Field(1, ge=1)
    threads: int = Field(1, ge=1)  # which the trainings had whose cards do not say it
    data: _Data
    curves: StoredCurves
    code: dict[str, Any] = {}
    packages: dict[str, str] = {}

    def profile_of(self, method: str, profile: Profile) -> Profile:
        """The profile with the card's labels to train on, and its recipe and seed for the method."""
        variants = {REPRODUCED: Variant(method=method, seed=self.seed)}
        labels = labels_of({"data": self.data.model_dump()})
        changed: dict[str, Any] = {"train": {**profile.train, method: self.recipe}, "variants": variants}
        if labels:
            changed["data"] = profile.data.model_copy(update={"balance_train": labels == BALANCED})
        return profile.model_copy(update=changed)


def training_card(file: Path) -> TrainingCard:
    """The card of a file that can be trained again.

    Raises:
        UserError: no such file, or a card without losses.
    """
    try:
        card = TrainingCard.model_validate(header(file)["card"])
    except ValidationError:
        card = None
    if card is None or not card.curves.known():
        raise UserError(
            f"{file} does not hold the losses of its training: `bridgebench train` keeps them; imported checkpoints, "
            "judges and the oldest weights files have none."
        )
    return card


def workers(processes: int, threads: int) -> str:
    """How many processes and threads train together, in words."""
    several = f"{processes:,} processes" if processes > 1 else "1 process"
    return f"{several} of {threads:,} threads" if threads > 1 else f"{several} of 1 thread"
