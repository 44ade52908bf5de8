"""The hyperparameters of a StarGAN v2 training run; the defaults are the official code's for CelebA-HQ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from bridgebench.methods.starganv2.objective import LossWeights
from bridgebench.methods.training.recipe import Count, Positive

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class StarGANv2Recipe:
    """Sizes, loss weights and schedule; every field may be set in a profile's ``[train.starganv2]`` table.

    Attributes:
        attribute: the attribute whose two values are the domains; empty: the label columns are the domains.
        width, widest, style_size, noise_size, mapping_width, high_pass: see `StarGANv2`. Official: high_pass 1 for
            CelebA-HQ, 0 for AFHQ.
        landmarks: file of the landmark network, required with a high_pass (official: ``wing.ckpt``).
        iterations: length of the run; each iteration has two updates of D (by noise, by reference), then two of G.
        batch_size: images per update; an iteration reads three times as many.
        learning_rate, mapping_learning_rate: Adam's learning rates, for G, E and D, and for F.
        betas, weight_decay: Adam's settings; the weight decay is added to the gradient.
        ema: decay of the moving average of G, E and F; edits use the averaged networks.
        diversity_iterations: iterations over which the weight of the diversity term falls linearly to 0.
        penalty_every: compute the R1 penalty in every k-th iteration, with k times the weight (official: k = 1).
        flip: mirror each image with probability 0.5.
        crop: probability of cropping an image to a random part, 80 to 100 % of its area.
        weights: weights of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16, channels last.
    """

    attribute: str = ""
    width: Annotated[int, Field(ge=0)] = 0
    widest: Count = 512
    style_size: Count = 64
    noise_size: Count = 16
    mapping_width: Count = 512
    high_pass: Annotated[float, Field(ge=0)] = 0.0
    landmarks: str = ""
    iterations: Count = 100_000
    batch_size: Annotated[int, Field(ge=2)] = 8
    learning_rate: Positive = 1e-4
    mapping_learning_rate: Positive = 1e-6
    betas: tuple[float, float] = (0.0, 0.99)
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    ema: Share = 0.999
    diversity_iterations: Count = 100_000
    penalty_every: Count = 1
    flip: bool = True
    crop: Share = 0.5
    weights: LossWeights = field(default_factory=LossWeights)
    precision: Literal["32", "bf16"] = "32"

    def editor_config(self) -> dict[str, Any]:
        """The constructor arguments of `StarGANv2` that a recipe sets."""
        names = "width widest style_size noise_size mapping_width high_pass"
        return {"attribute": self.attribute or None, **{name: getattr(self, name) for name in names.split()}}

    def diversity_at(self, iteration: int) -> float:
        """The weight of the diversity term in an iteration; iterations are counted from 0.

        (When the official code resumes, it forgets how far the weight had fallen; here the iteration determines it.)
        """
        return self.weights.diversity * max(0.0, 1 - iteration / self.diversity_iterations)
