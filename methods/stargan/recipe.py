"""The settings of a StarGAN training run; the defaults are the official code's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bridgebench.methods.stargan.objective import LossWeights
from bridgebench.methods.training.recipe import Count, Positive

_LR_EVERY = 1000  # iterations between two changes of the official learning rate


@dataclass(frozen=True)
class StarGANRecipe:
    """How to train; the defaults are the official code's for CelebA.

    Attributes:
        width, blocks: sizes of the generator, see `StarGAN`.
        discriminator_width: channels of the discriminator's first layer.
        iterations: number of steps of D; G makes a step in every `n_critic`-th iteration.
        batch_size: images in each step.
        n_critic: see `iterations`.
        learning_rate, betas: Adam's, for both networks.
        decay: how the learning rate falls over the last `decay_iterations`. ``"official"``: as in the official code,
            it falls by learning_rate / decay_iterations every 1000 iterations only, so it stays almost constant (it
            ends at 9.99e-5). ``"linear"``: it falls linearly to zero, as the paper says. ``"none"``: it is constant.
        decay_iterations: see `decay`.
        flip: mirror each training image with probability 0.5.
        weights: weights of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16.
    """

    width: Count = 64
    blocks: Count = 6
    discriminator_width: Count = 64
    iterations: Count = 200_000
    batch_size: Count = 16
    n_critic: Count = 5
    learning_rate: Positive = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)
    decay: Literal["official", "linear", "none"] = "official"
    decay_iterations: Count = 100_000
    flip: bool = True
    weights: LossWeights = field(default_factory=LossWeights)
    precision: Literal["32", "bf16"] = "32"

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 1."""
        start = self.iterations - self.decay_iterations
        if self.decay == "none" or iteration <= start:
            return self.learning_rate
        if self.decay == "linear":
            return self.learning_rate * (self.iterations - iteration + 1) / self.decay_iterations
        falls = (iteration - 1) // _LR_EVERY - start // _LR_EVERY
        return self.learning_rate * (1 - falls / self.decay_iterations)
