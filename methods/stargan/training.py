"""The training of StarGAN, with the official code's schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.stargan.networks import Discriminator
from bridgebench.methods.stargan.objective import discriminator_terms, generator_terms, total
from bridgebench.methods.stargan.recipe import StarGANRecipe
from bridgebench.methods.training.base import (
    Batch,
    CountedTraining,
    descend,
    flip_at_random,
    set_learning_rate,
    uniform,
)
from bridgebench.methods.training.parallel import ours


class StarGANTraining(CountedTraining[StarGANRecipe]):
    """The generator, the discriminator and their optimizers; see :class:`methods.training.base.Training`.

    Raises:
        UserError: the networks cannot halve the image size as often as they need.
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

        The target labels are those of other images in the batch, so that every combination of labels exists.
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
        # The step of D does not change G, so if both make a step, they use the same edits.
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
        # With named parameters no gradients are computed for the weights of the other network, which does not step.
        descend(loss, [self.optimizers[name]], network.parameters())
        return {f"{name}/{term}": value.detach() for term, value in terms.items()} | {f"{name}/total": loss.detach()}
