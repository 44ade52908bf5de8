"""The settings of a HomoGAN training run; the defaults are the official code's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from bridgebench.methods.homogan.objective import LossWeights
from bridgebench.methods.training.recipe import Count, Positive


@dataclass(frozen=True)
class HomoGANRecipe:
    """How to train; every field may stand in a profile's ``[train.homogan]`` table.

    The official code starts from two downloads: VGG-19 for the encoder, and a decoder that inverts its features. Here
    `features` names the first (without it the encoder starts from random weights), and `warmup` replaces the second.

    Attributes:
        width, levels: sizes of encoder and decoder, see `HomoGAN`.
        groups: the attributes that move together; none: the official groups.
        features: a file of VGG-19's weights, from torchvision or the official code; none: the feature network is the
            attribute classifier that the training loop provides.
        iterations: updates of all but encoder and interpolator (default: 10,000 epochs, until somebody stops it).
        batch_size: images in each iteration.
        encoder_every: iterations between two updates of encoder and interpolator.
        learning_rate: Adam's, for all networks.
        betas: Adam's, for encoder, interpolator and discriminator.
        decoder_betas: Adam's, for the decoder and the transform of the knowledge guidance.
        warmup: number of first iterations, in which the decoder learns to invert the encoder. Meanwhile an encoder
            from VGG-19 stays fixed; an encoder that starts from random weights learns together with the decoder.
        warmup_learning_rate: learning rate of these iterations.
        cooldown: number of last iterations, in which the learning rate falls linearly to 0 (official: none).
        classify: the features from which the discriminator learns the attributes, see `discriminator_terms`.
        weights: weights of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16, channels last.
    """

    width: Count = 64
    levels: Annotated[int, Field(ge=2, le=4)] = 4
    groups: tuple[tuple[str, ...], ...] | None = None
    features: str | None = None
    iterations: Count = 50_860_000
    batch_size: Annotated[int, Field(ge=2)] = 32
    encoder_every: Count = 5
    learning_rate: Positive = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)
    decoder_betas: tuple[float, float] = (0.9, 0.999)
    warmup: Annotated[int, Field(ge=0)] = 0
    warmup_learning_rate: Positive = 1e-4
    cooldown: Annotated[int, Field(ge=0)] = 0
    classify: Literal["interpolated", "real"] = "interpolated"
    weights: LossWeights = field(default_factory=LossWeights)
    precision: Literal["32", "bf16"] = "32"

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        if iteration < self.warmup:
            return self.warmup_learning_rate
        left = min(1.0, (self.iterations - iteration) / self.cooldown) if self.cooldown else 1.0
        return self.learning_rate * left
