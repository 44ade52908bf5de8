"""StarGAN in training: one iteration of the official schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.stargan.networks import Discriminator
from bridgebench.methods.stargan.objective import LossWeights, discriminator_terms, generator_terms, total
from bridgebench.methods.training.base import (
    Batch,
    CountedTraining,
    descend,
    flip_at_random,
    set_learning_rate,
    uniform,
)
from bridgebench.methods.training.parallel import ours
from pydantic import Field
from torch import Tensor, nn

Count = Annotated[int, Field(ge=1)]
_LR_EVERY = 1000  # iterations between two changes of the official learning rate


@dataclass(frozen=True)
class StarGANRecipe:
    """How to train; the defaults are the official code's for CelebA.

    Attributes:
        width, blocks: of the generator.
        discriminator_width: channels of the discriminator's first layer.
        iterations: steps of D; G steps in every `n_critic`-th.
        batch_size: images a step.
        n_critic: see `iterations`.
        learning_rate, betas: Adam's, for both networks.
        decay: how the learning rate falls over the last `decay_iterations`. ``"official"``: the official code takes
            learning_rate / decay_iterations away every 1000 iterations only, so that the rate stays almost constant
            (it ends at 9.99e-5); ``"linear"``: to zero, as the paper says; ``"none"``.
        decay_iterations: see `decay`.
        flip: mirror each training image with probability 0.5.
        weights: of the loss terms.
        precision: ``"32"``, or ``"bf16"``: autocast to bfloat16.
    """

    width: Count = 64
    blocks: Count = 6
    discriminator_width: Count = 64
    iterations: Count = 200_000
    batch_size: Count = 16
    n_critic: Count = 5
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
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


class StarGANTraining(CountedTraining[StarGANRecipe]):
    """Generator, discriminator and their optimizers; see :class:`methods.training.base.Training`.

    Raises:
        UserError: an image size that the networks cannot halve as they must.
    """

    recipe_type = StarGANRecipe

    def __init__(
        self, recipe: StarGANRecipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__(recipe)
        self.batch_size = recipe.batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.editor = StarGAN(
                attributes=attributes, image_size=image_size, width=recipe.width, blocks=recipe.blocks
            )
            try:
                self.discriminator = Discriminator(len(attributes), image_size, recipe.discriminator_width)
            except ValueError as error:
                raise UserError(f"StarGAN cannot be trained at this image size: {error}.") from error
        self.to(memory_format=torch.channels_last)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(network.parameters(), recipe.learning_rate, recipe.betas, fused=True)
            for name, network in (("generator", self.editor), ("discriminator", self.discriminator))
        }

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> dict[str, Tensor]:
        """One step of D and, in every `n_critic`-th iteration, one of G on the same images and targets.

        Targets are the labels of other images of the batch, so that only combinations that exist are asked for.
        """
        self.iteration += 1
        set_learning_rate(self.optimizers, self.recipe.rate_at(self.iteration))
        images, labels, _ = next_batch()
        order = torch.randperm(len(images), generator=generator, device=generator.device).to(labels.device)
        mix = uniform(len(images), generator, images.device)
        if self.recipe.flip:
            images = flip_at_random(images, generator)
        images = images.contiguous(memory_format=torch.channels_last)
        images, labels, target, mix = (ours(part) for part in (images, labels, labels[order], mix))
        both = self.iteration % self.recipe.n_critic == 0
        # The step of D leaves G as it is: where both step, they look at the same edits.
        with self.autocast(images), torch.set_grad_enabled(both):
            fake = self.editor.generator(images, target)
        logs = self.discriminator_step(images, labels, fake.detach(), mix)
        return logs | (self.generator_step(images, labels, target, fake) if both else {})

    def discriminator_step(self, images: Tensor, labels: Tensor, fake: Tensor, mix: Tensor) -> dict[str, Tensor]:
        """One step of D; arguments as of :func:`discriminator_terms`. Returns its terms before the step."""
        with self.autocast(images):
            terms = discriminator_terms(self.discriminator, images, labels, fake, mix)
        return self._descend("discriminator", self.discriminator, terms)

    def generator_step(self, images: Tensor, labels: Tensor, target: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """One step of G; arguments as of :func:`generator_terms`. Returns its terms before the step."""
        with self.autocast(images):
            terms = generator_terms(self.editor.generator, self.discriminator, images, labels, target, fake)
        return self._descend("generator", self.editor, terms)

    def _descend(self, name: str, network: nn.Module, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        loss = total(terms, self.recipe.weights)
        # Named inputs: no gradients are computed for the weights of the other network, which does not step.
        descend(loss, [self.optimizers[name]], network.parameters())
        return {f"{name}/{term}": value.detach() for term, value in terms.items()} | {f"{name}/total": loss.detach()}
