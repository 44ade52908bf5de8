"""The hyperparameters of a SMIT training run; the defaults are the official code's for CelebA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from bridgebench.methods.smit.objective import LossWeights
from bridgebench.methods.training.recipe import Count, Positive

_STEPS = 28  # falls of the official learning rate, each by 1/30 of the initial rate: at the end of 28 of 60 epochs


@dataclass(frozen=True)
class SMITRecipe:
    """Sizes, loss weights and schedule.

    Attributes:
        noise_size, width, blocks, downsamplings: sizes of the generator, see `SMIT`.
        discriminator_width: channels of the discriminator's first layers; None: the official rule, 32 for images of
            256 pixels and 16 for all other sizes.
        iterations: steps of D and of G (official: 60 epochs of 4566).
        batch_size: images per step. D and G use different images, so an iteration reads twice as many.
        learning_rate, betas: Adam's settings for both networks.
        decay_iterations: number of iterations at the end in which the learning rate falls in 28 equal steps to 1/15
            (official: 28 epochs); 0: it never falls.
        crop: crop each training image to a random part, 70 to 100 % of its area.
        flip: mirror each training image with probability 0.5.
        weights: weights of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16, channels last.
    """

    noise_size: Count = 20
    width: Count = 32
    blocks: Count = 6
    downsamplings: Count = 3
    discriminator_width: Count | None = None
    iterations: Count = 273_960
    batch_size: Count = 20
    learning_rate: Positive = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    decay_iterations: Annotated[int, Field(ge=0)] = 127_848
    crop: bool = True
    flip: bool = True
    weights: LossWeights = field(default_factory=LossWeights)
    precision: Literal["32", "bf16"] = "32"

    def editor_sizes(self) -> dict[str, int]:
        """The constructor arguments of `SMIT` that a recipe sets."""
        return {name: getattr(self, name) for name in ("noise_size", "width", "blocks", "downsamplings")}

    def discriminator_width_at(self, image_size: int) -> int:
        """Channels of the discriminator's first layers."""
        return self.discriminator_width or (32 if image_size == 256 else 16)

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 1."""
        into_decay = iteration - 1 - (self.iterations - self.decay_iterations)
        if into_decay < 0 or self.decay_iterations == 0:
            return self.learning_rate
        falls = min(_STEPS, 1 + into_decay * _STEPS // self.decay_iterations)
        return self.learning_rate * (1 - falls / (_STEPS + 2))
