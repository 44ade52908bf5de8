"""SMIT in training: one iteration of the official schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.smit.augment import crop_at_random
from bridgebench.methods.smit.discriminator import Discriminator
from bridgebench.methods.smit.editor import SMIT
from bridgebench.methods.smit.objective import discriminator_terms, generator_terms, total
from bridgebench.methods.smit.recipe import SMITRecipe
from bridgebench.methods.training.base import Batch, CountedTraining, descend, flip_at_random, set_learning_rate
from bridgebench.methods.training.parallel import ours
from torch import Tensor, nn


class SMITTraining(CountedTraining[SMITRecipe]):
    """Generator, discriminator and their optimizers; see :class:`methods.training.base.Training`.

    Where the official code seeds its draws anew (targets by the iteration of the epoch, styles by a counter), all come
    from the one generator here. The vectors of the discriminator's power iteration are buffers; the official optimizer
    holds them too, to no effect but a change of length, which the next iteration takes back.

    Args:
        recipe: sizes, weights, schedule.
        attributes: label columns.
        image_size: side of the images: a power of two, at least 16.
        dataset_size: number of training images; nothing depends on it.
        seed: of the initial weights.

    Raises:
        UserError: an image size that the networks cannot halve as they must.
    """

    recipe_type = SMITRecipe

    def __init__(
        self, recipe: SMITRecipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__(recipe)
        self.batch_size = 2 * recipe.batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.editor = SMIT(attributes=attributes, image_size=image_size, **recipe.editor_sizes())
            try:
                width = recipe.discriminator_width_at(image_size)
                self.discriminator = Discriminator(len(attributes), image_size, width)
            except ValueError as error:
                raise UserError(f"SMIT cannot be trained at this image size: {error}.") from error
        if recipe.precision == "bf16":
            self.to(memory_format=torch.channels_last)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(_trained(network), recipe.learning_rate, recipe.betas, fused=True)
            for name, network in (("generator", self.editor), ("discriminator", self.discriminator))
        }

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> dict[str, Tensor]:
        """One step of D on the first half of a batch, then one of G on the other.

        Targets are the labels of other images of the whole batch, so that only combinations that exist are asked for.
        """
        self.iteration += 1
        set_learning_rate(self.optimizers, self.recipe.rate_at(self.iteration))
        images, labels, _ = next_batch()
        order = torch.randperm(len(images), generator=generator, device=generator.device).to(labels.device)
        shape = (4, (len(images) + 1) // 2, self.recipe.noise_size)
        noise = torch.randn(shape, generator=generator, device=generator.device).to(images.device)
        if self.recipe.crop:
            images = crop_at_random(images, generator)
        if self.recipe.flip:
            images = flip_at_random(images, generator)
        if self.recipe.precision == "bf16":
            images = images.contiguous(memory_format=torch.channels_last)
        halves = [part.chunk(2) for part in (images, labels, labels[order])]
        (images, others), (labels, other_labels), (target, other_target) = halves
        logs = self.discriminator_step(ours(images), ours(labels), ours(target), ours(noise[0]))
        styles = ours(noise[1:, : len(others)], dim=1)
        return logs | self.generator_step(ours(others), ours(other_labels), ours(other_target), styles)

    def discriminator_step(self, images: Tensor, labels: Tensor, target: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """One step of D; `noise` (N, noise_size) are the styles of its fakes. Returns its terms before the step."""
        network = self.editor.generator
        with self.autocast(images):
            with torch.no_grad():
                fake, _ = network(images, network.embed(noise, target))
            terms = discriminator_terms(self.discriminator, images, labels, fake)
        return self._descend("discriminator", self.discriminator, terms)

    def generator_step(self, images: Tensor, labels: Tensor, target: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """One step of G; `noise` (3, N, noise_size) as in :func:`generator_terms`. Returns its terms before it."""
        # Autocast anew: it would reuse the weights that it cast in the D step, where G had no gradients.
        with self.autocast(images):
            terms = generator_terms(self.editor.generator, self.discriminator, images, labels, target, noise)
        return self._descend("generator", self.editor, terms)

    def _descend(self, name: str, network: nn.Module, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        loss = total(terms, self.recipe.weights)
        # Named inputs: no gradients are computed for the weights of the other network, which does not step.
        descend(loss, [self.optimizers[name]], _trained(network))
        return {f"{name}/{term}": value.detach() for term, value in terms.items()} | {f"{name}/total": loss.detach()}


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]
