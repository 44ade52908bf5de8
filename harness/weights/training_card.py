"""What the card of trained weights says of their training: enough to have it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.profiles.variants import Variant
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header
from pydantic import BaseModel, Field, ValidationError, model_validator

REPRODUCED = "reproduced"  # the variant that stands for the file's method


class StoredLosses(BaseModel):
    """Losses at some iterations, as they are in a card: a column for each term."""

    iterations: list[int] = []
    losses: dict[str, list[float | None]] = {}

    def at(self) -> dict[int, dict[str, float]]:
        """By iteration, the terms that have a value there."""
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


class TrainingCard(BaseModel):
    """What of a trained file's card says how it was trained."""

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
        """A profile with the method's recipe and seed as the card has them, whatever they are by now."""
        variants = {REPRODUCED: Variant(method=method, seed=self.seed)}
        return profile.model_copy(update={"train": {**profile.train, method: self.recipe}, "variants": variants})


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
    """How many work together, in words."""
    several = f"{processes:,} processes" if processes > 1 else "1 process"
    return f"{several} of {threads:,} threads" if threads > 1 else f"{several} of 1 thread"
