"""The training of ELEGANT: for each attribute in turn, an iteration updates D1 and D2, then Enc and Dec."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.elegant import objective
from bridgebench.methods.elegant.editor import Elegant
from bridgebench.methods.elegant.networks import Discriminator, exchange
from bridgebench.methods.elegant.recipe import ElegantRecipe
from bridgebench.methods.training.base import Batch, CountedTraining, descend, set_learning_rate
from bridgebench.methods.training.parallel import ours

_LEAST_SIZE = 32  # D2 sees half the side and halves it four times


class ElegantTraining(CountedTraining[ElegantRecipe]):
    """The encoder, decoder, two discriminators and their optimizers; see :class:`methods.training.base.Training`.

    Raises:
        UserError: the networks do not take this image size or number of attributes.
    """

    recipe_type = ElegantRecipe

    def __init__(
        self, recipe: ElegantRecipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__(recipe)
        if image_size <= 0 or image_size % _LEAST_SIZE:
            raise UserError(f"ELEGANT is trained at multiples of {_LEAST_SIZE} pixels, not at {image_size}.")
        self.dataset_size = dataset_size
        self.batch_size = 2 * recipe.batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.editor = Elegant(
                attributes=attributes, image_size=image_size, width=recipe.width, blocks=recipe.blocks
            )
            self.discriminators = nn.ModuleList(
                Discriminator(len(attributes), size, recipe.discriminator_width)
                for size in (image_size, image_size // 2)
            )
        self.to(memory_format=torch.channels_last)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": self._adam(self.editor.parameters()),
            "discriminator": self._adam(self.discriminators.parameters()),
        }

    def _adam(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
        recipe = self.recipe
        return torch.optim.Adam(
            parameters, recipe.learning_rate, recipe.betas, weight_decay=recipe.weight_decay, fused=True
        )

    @property
    def images_an_iteration(self) -> int:
        """The number of images that form pairs in an iteration; to find them, more images are drawn."""
        return 2 * self.recipe.batch_size * len(self.editor.attributes)

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> dict[str, Tensor]:
        """One round over the attributes; only the order of the data is random.

        Returns:
            The loss terms by name, averaged over the attributes.

        Raises:
            UserError: no training image has (or none lacks) an attribute.
        """
        set_learning_rate(self.optimizers, self.recipe.rate_at(self.iteration))
        terms: dict[str, list[Tensor]] = defaultdict(list)
        for attribute in range(len(self.editor.attributes)):
            images, labels = (torch.cat([*map(ours, part.chunk(2))]) for part in self.pairs(next_batch, attribute))
            for name, value in self.update(images, labels, attribute).items():
                terms[name].append(value)
        self.iteration += 1
        return {name: torch.stack(values).mean() for name, values in terms.items()}

    def pairs(self, next_batch: Callable[[], Batch], attribute: int) -> tuple[Tensor, Tensor]:
        """Images that have an attribute, then as many that lack it: (2N, 3, H, W), and their labels (2N, n).

        Batches are drawn until there are enough images of both kinds. If a whole pass through the training set does
        not give enough, images of the rarer kind are repeated.
        """
        wanted, seen = self.recipe.batch_size, 0
        found: dict[bool, list[Batch]] = {True: [], False: []}
        counts = {True: 0, False: 0}
        # Up to twice the set: the search may start in the middle of an epoch, and an epoch may drop its last images.
        while min(counts.values()) < wanted and (seen == 0 or seen < 2 * self.dataset_size):
            batch = next_batch()
            seen += len(batch.labels)
            for has in (True, False):
                rows = ((batch.labels[:, attribute] > 0.5) == has).nonzero()[: wanted - counts[has], 0]
                found[has].append(Batch(*(part[rows] for part in batch)))
                counts[has] += len(rows)
        for has, count in counts.items():
            if not count:
                name, verb = self.editor.attributes[attribute], "has" if has else "lacks"
                raise UserError(f"ELEGANT learns from pairs, but no training image {verb} {name}: leave it out.")
        rows = torch.arange(wanted)
        images, labels = (
            torch.cat([torch.cat([batch[part] for batch in found[has]])[rows % counts[has]] for has in (True, False)])
            for part in (0, 1)
        )
        return images, labels

    def update(self, images: Tensor, labels: Tensor, attribute: int) -> dict[str, Tensor]:
        """One update of D1 and D2, then one of Enc and Dec with the same edits.

        Args:
            images, labels: as `pairs` gives them.
            attribute: index of the attribute whose block is exchanged.

        Returns:
            The loss terms and totals of discriminators and generator, before their updates.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        edit_labels = objective.exchanged_labels(labels, attribute)
        with self.autocast(images):
            rebuilt, edits = self.exchanged(images, attribute)
            d_terms = self.discriminator_terms(images, labels, edits.detach(), edit_labels)
        d_total = objective.discriminator_total(d_terms, self.recipe.weights)
        self._descend("discriminator", self.discriminators, d_total)
        # A new autocast context: the old one would reuse its cast copies of D's weights from before the update.
        with self.autocast(images):
            g_terms = self.generator_terms(images, rebuilt, edits, edit_labels)
        g_total = objective.generator_total(g_terms, self.recipe.weights)
        self._descend("generator", self.editor, g_total)
        logs = {**d_terms, "d_total": d_total, **g_terms, "g_total": g_total}
        return {name: value.detach() for name, value in logs.items()}

    def exchanged(self, images: Tensor, attribute: int) -> tuple[Tensor, Tensor]:
        """Images A, B (2N, 3, H, W) -> A', B' and C, D, same shape; no gradient where clamped to [-1, 1]."""
        own, skips = self.editor.encoder(images)
        other = own.roll(len(own) // 2, dims=0)
        share = (self.editor.owners == attribute).unsqueeze(0)
        rebuilt = images + self.editor.decoder(own, own, skips)
        edits = images + self.editor.decoder(exchange(own, other, share), own, skips)
        return rebuilt.clamp(-1, 1), edits.clamp(-1, 1)

    def discriminator_terms(self, *arguments: Tensor) -> dict[str, Tensor]:
        """`objective.discriminator_terms` with this run's D1 and D2."""
        return objective.discriminator_terms(list(self.discriminators), *arguments)  # type: ignore[arg-type]

    def generator_terms(self, *arguments: Tensor) -> dict[str, Tensor]:
        """`objective.generator_terms` with this run's D1 and D2."""
        return objective.generator_terms(list(self.discriminators), *arguments)  # type: ignore[arg-type]

    def _descend(self, name: str, network: nn.Module, loss: Tensor) -> None:
        # With named parameters no gradients are computed for the weights of the other networks, which do not step.
        descend(loss, [self.optimizers[name]], network.parameters())
