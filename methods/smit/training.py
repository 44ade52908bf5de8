"""The training of SMIT, with the official code's schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.smit.editor import SMIT
from bridgebench.methods.smit.networks import Discriminator
from bridgebench.methods.smit.objective import discriminator_terms, generator_terms, total
from bridgebench.methods.smit.recipe import SMITRecipe
from bridgebench.methods.training.base import Batch, CountedTraining, descend, flip_at_random, set_learning_rate
from bridgebench.methods.training.parallel import ours

_CROP_AREA = (0.7, 1.0)
_CROP_RATIO = (0.8, 1.2)
_CROP_TRIES = 10


class SMITTraining(CountedTraining[SMITRecipe]):
    """Generator, discriminator and their optimizers; see :class:`methods.training.base.Training`.

    The official code seeds its draws again and again (targets by the iteration of the epoch, styles by a counter); here
    all draws come from one generator. The vectors of D's power iteration are buffers here. The official optimizer also
    holds them, which only changes their length, and the next power iteration undoes that.

    Args:
        recipe: sizes, loss weights and schedule.
        attributes: names of the label columns.
        image_size: side of the images: a power of two, at least 16.
        dataset_size: number of training images; nothing depends on it.
        seed: seed of the initial weights.

    Raises:
        UserError: an image size that does not fit the networks.
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
        """One step of D on the first half of a batch, then one of G on the second half.

        Targets are the labels of the whole batch in random order, so that only existing combinations are requested.
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
        """One step of D; `noise` (N, noise_size): styles of the edits. Returns its terms before the step."""
        network = self.editor.generator
        with self.autocast(images):
            with torch.no_grad():
                fake, _ = network(images, network.embed(noise, target))
            terms = discriminator_terms(self.discriminator, images, labels, fake)
        return self._descend("discriminator", self.discriminator, terms)

    def generator_step(self, images: Tensor, labels: Tensor, target: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """One step of G; `noise` (3, N, noise_size) as in :func:`generator_terms`. Returns its terms before it."""
        # A new autocast context: the old one would reuse weights cast in the D step, where G had no gradients.
        with self.autocast(images):
            terms = generator_terms(self.editor.generator, self.discriminator, images, labels, target, noise)
        return self._descend("generator", self.editor, terms)

    def _descend(self, name: str, network: nn.Module, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        loss = total(terms, self.recipe.weights)
        # The parameters are listed so that no gradients are computed for the other network, which is not updated.
        descend(loss, [self.optimizers[name]], _trained(network))
        return {f"{name}/{term}": value.detach() for term, value in terms.items()} | {f"{name}/total": loss.detach()}


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def crop_at_random(images: Tensor, generator: torch.Generator) -> Tensor:
    """Crops a random part of each image (N, 3, H, W) and resizes it to the full size by bilinear interpolation.

    The part has 70 to 100 % of the area, and the ratio of its sides is log-uniform in [0.8, 1.2]. The first of ten
    draws that fits into the image is used, or else the whole image. This is torchvision's ``RandomResizedCrop``, except
    that crops need not start at a whole pixel.
    """
    count = len(images)
    draw = torch.rand(2, count, _CROP_TRIES, generator=generator, device=generator.device).to(images.device)
    place = torch.rand(2, count, generator=generator, device=generator.device).to(images.device) * 2 - 1
    area = _CROP_AREA[0] + (_CROP_AREA[1] - _CROP_AREA[0]) * draw[0]
    low, high = map(math.log, _CROP_RATIO)
    ratio = (low + (high - low) * draw[1]).exp()
    sides = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()])
    fits = (sides <= 1).all(dim=0)
    first = fits.int().argmax(dim=1)
    width, height = torch.where(fits.any(dim=1), sides[:, torch.arange(count, device=first.device), first], 1.0)
    # In the coordinates of `affine_grid`, an image spans -1 to 1.
    window = torch.zeros(count, 2, 3, device=images.device)
    window[:, 0, 0], window[:, 0, 2] = width, place[0] * (1 - width)
    window[:, 1, 1], window[:, 1, 2] = height, place[1] * (1 - height)
    grid = F.affine_grid(window, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
