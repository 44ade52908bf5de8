"""The hyperparameters of an STGAN training run; the defaults are the official code's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from bridgebench.methods.stgan.networks import BATCH_NORM_MOMENTUM
from bridgebench.methods.stgan.objective import LossWeights
from bridgebench.methods.training.recipe import Count, Positive


@dataclass(frozen=True)
class STGANRecipe:
    """How to train; every field may be set in a profile's ``[train.stgan]`` table.

    Attributes:
        width, unit_width, layers: sizes of the generator, see `STGAN`; D has the same number of layers.
        discriminator_width: channels of D's first layer.
        discriminator_hidden: width of D's hidden dense layers.
        iterations: updates of G (200 epochs of 947).
        batch_size: images per update.
        n_critic: updates of D before each update of G; every update has its own batch.
        learning_rate, betas: Adam's settings for both networks.
        decay_every: number of iterations after which the learning rate is divided by 10, repeatedly (100 epochs).
        norm_momentum: weight of the newest batch in the moving averages of batch norm, which edits use. A run of a few
            thousand iterations needs a higher value than the official 0.001.
        weights: weights of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16, channels last.
    """

    width: Count = 64
    unit_width: Count = 64
    layers: Annotated[int, Field(ge=2)] = 5
    discriminator_width: Count = 64
    discriminator_hidden: Count = 1024
    iterations: Count = 189_400
    batch_size: Count = 32
    n_critic: Count = 5
    learning_rate: Positive = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    decay_every: Count = 94_700
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = BATCH_NORM_MOMENTUM
    weights: LossWeights = field(default_factory=LossWeights)
    precision: Literal["32", "bf16"] = "32"

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        return self.learning_rate / 10 ** (iteration // self.decay_every)
