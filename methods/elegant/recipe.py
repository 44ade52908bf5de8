"""The settings of an ELEGANT training run; the defaults are the official code's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from bridgebench.methods.elegant.objective import LossWeights
from bridgebench.methods.training.recipe import Count, Positive


@dataclass(frozen=True)
class ElegantRecipe:
    """How to train; the defaults are the official code's.

    The official code trains on all of CelebA, test images included; here training sees only the training split.

    Attributes:
        width, blocks: sizes of encoder and decoder, see `Elegant`.
        discriminator_width: channels of the first layer of D1 and D2.
        iterations: rounds over all attributes; in a round each attribute has one update of D1, D2 and one of Enc, Dec.
        batch_size: number of images in an update that have the attribute; as many images lack it.
        learning_rate, betas, weight_decay: Adam's, for both optimizers (the weight decay is added to the gradient).
        decay, decay_every: the learning rate is multiplied by `decay` every `decay_every` iterations.
        cooldown: number of last iterations, in which the rate also falls linearly to 0 (official: none).
        weights: weights of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16.
    """

    width: Count = 64
    blocks: Annotated[int, Field(ge=2, le=8)] = 5
    discriminator_width: Count = 64
    iterations: Count = 200_000
    batch_size: Count = 16
    learning_rate: Positive = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5
    decay: Annotated[float, Field(gt=0, le=1)] = 0.97
    decay_every: Count = 3000
    cooldown: Annotated[int, Field(ge=0)] = 0
    weights: LossWeights = field(default_factory=LossWeights)
    precision: Literal["32", "bf16"] = "32"

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        left = min(1.0, (self.iterations - iteration) / self.cooldown) if self.cooldown else 1.0
        return self.learning_rate * self.decay ** (iteration // self.decay_every) * left
