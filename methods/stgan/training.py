"""The training of STGAN, with the official code's schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.stgan.editor import STGAN
from bridgebench.methods.stgan.networks import Discriminator
from bridgebench.methods.stgan.objective import discriminator_terms, generator_terms
from bridgebench.methods.stgan.recipe import STGANRecipe
from bridgebench.methods.training.base import Batch, CountedTraining, descend, set_learning_rate, uniform
from bridgebench.methods.training.parallel import ours, processes


class STGANTraining(CountedTraining[STGANRecipe]):
    """Generator, discriminator and their optimizers; see :class:`methods.training.base.Training`.

    Between steps the editor is in eval mode: it is shown and measured as it will be used, and the moving averages of
    batch norm see only training batches.

    Raises:
        UserError: an image size that does not fit the number of layers.
    """

    recipe_type = STGANRecipe

    def __init__(
        self, recipe: STGANRecipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__(recipe)
        self.batch_size = recipe.batch_size
        if image_size == 2**recipe.layers:
            # An instance norm has nothing to normalize on a map of one pixel.
            raise UserError(f"STGAN cannot be trained with {recipe.layers} layers at {image_size} pixels: take fewer.")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.editor = STGAN(
                attributes=attributes,
                image_size=image_size,
                width=recipe.width,
                unit_width=recipe.unit_width,
                layers=recipe.layers,
            )
            self.discriminator = Discriminator(
                len(attributes), image_size, recipe.discriminator_width, recipe.discriminator_hidden, recipe.layers
            )
        for module in self.editor.eval().modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = recipe.norm_momentum
        if recipe.precision == "bf16":
            self.to(memory_format=torch.channels_last)
        # TensorFlow adds epsilon at another place in Adam's formula; at 1e-8 this makes no visible difference.
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(network.parameters(), recipe.learning_rate, recipe.betas, fused=True)
            for name, network in (("generator", self.editor), ("discriminator", self.discriminator))
        }

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> dict[str, Tensor]:
        """`n_critic` updates of D, then one of G; each update has its own batch and targets.

        Targets are the labels of the batch in random order, so that only existing combinations are requested.
        """
        set_learning_rate(self.optimizers, self.recipe.rate_at(self.iteration))
        self.editor.train()
        logs: dict[str, Tensor] = {}
        for _ in range(self.recipe.n_critic):
            images, labels, target = self._draw(next_batch, generator)
            mix = uniform(processes() * len(images), generator, images.device)
            logs = self.discriminator_step(images, labels, target, ours(mix))
        logs |= self.generator_step(*self._draw(next_batch, generator))
        self.editor.eval()
        self.iteration += 1
        return logs

    def discriminator_step(self, images: Tensor, labels: Tensor, target: Tensor, mix: Tensor) -> dict[str, Tensor]:
        """One update of D; `mix` as in :func:`discriminator_terms`. Returns its terms before the update."""
        with self.autocast(images):
            with torch.no_grad():
                fake = self.editor.generator(images, target - labels)
            terms = discriminator_terms(self.discriminator, images, labels, fake, mix)
        total = self.recipe.weights.discriminator_total(terms)
        return self._descend("discriminator", self.discriminator, terms | {"total": total})

    def generator_step(self, images: Tensor, labels: Tensor, target: Tensor) -> dict[str, Tensor]:
        """One update of G. Returns its terms before the update."""
        with self.autocast(images):
            terms = generator_terms(self.editor.generator, self.discriminator, images, labels, target)
        total = self.recipe.weights.generator_total(terms)
        return self._descend("generator", self.editor, terms | {"total": total})

    def _draw(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """This process's images, labels and targets; the targets are the labels of the whole batch in random order."""
        images, labels, _ = next_batch()
        order = torch.randperm(len(images), generator=generator, device=generator.device).to(labels.device)
        if self.recipe.precision == "bf16":
            images = images.contiguous(memory_format=torch.channels_last)
        return ours(images), ours(labels), ours(labels[order])

    def _descend(self, name: str, network: nn.Module, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        # The parameters are listed so that no gradients are computed for the other network, which is not updated.
        descend(terms["total"], [self.optimizers[name]], network.parameters())
        return {f"{name}/{term}": value.detach() for term, value in terms.items()}
