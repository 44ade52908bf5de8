"""One training iteration of BridgeGAN (supplement; the released code's loop where that is silent).

Each iteration makes `n_critic` updates of D and C, then one of G, M and E together, every update on a fresh batch. In
a batch the target of a sample is another sample of it (`draw_order`), so a target label is always the whole
label of a real image and no conflict rule is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from bridgebench.methods.bridgegan import objective
from bridgebench.methods.bridgegan.pairing import Codes, Pairing, draw_order
from bridgebench.methods.bridgegan.recipe import BridgeGANRecipe
from bridgebench.methods.bridgegan.terms import BridgeGANTerms, Losses
from bridgebench.methods.training.base import Batch, descend
from bridgebench.methods.training.parallel import everyones, ours
from torch import Tensor, nn


class BridgeGANTraining(BridgeGANTerms):
    """Networks, noise memory and optimizers of a training run; `step` makes one iteration.

    Args:
        recipe: sizes, weights, schedule.
        attributes: label columns.
        image_size: side of the images.
        dataset_size: number of training images; the memory has a row for each.
        seed: of the initial weights and the memory's first values.
    """

    memory: Tensor

    def __init__(
        self, recipe: BridgeGANRecipe, attributes: tuple[str, ...], image_size: int, dataset_size: int, seed: int
    ) -> None:
        torch.manual_seed(seed)
        super().__init__(recipe, attributes, image_size)
        self.batch_size, self.total_iterations = recipe.batch_size, recipe.iterations
        if recipe.precision == "bf16":
            self.to(memory_format=torch.channels_last)
        self.register_buffer("memory", torch.randn(dataset_size, recipe.noise_size))
        self.optimizers = {
            "generator": self._adam(self.editor.parameters()),
            "discriminator": self._adam(self.discriminator.parameters()),
        }

    def _adam(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
        return torch.optim.Adam(parameters, lr=self.recipe.learning_rate, betas=(0.5, 0.999), fused=True)

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> Losses:
        """Makes one iteration; all randomness comes from `generator`.

        Returns:
            The terms of the losses by name, detached scalars.
        """
        self._set_learning_rate()
        first = self.recipe.first_edit
        if first == self.iteration > 0:
            self._forget_warm_up()
        if self.iteration < first:
            losses = self.warm_up(self.pair(next_batch(), generator))
        elif self.recipe.share_fakes:
            losses = self._shared_iteration(next_batch, generator)
        else:
            for _ in range(self.recipe.n_critic):
                losses = self.update_discriminator(self.pair(next_batch(), generator))
            losses |= self.update_generator(self.pair(next_batch(), generator))
        self.iteration += 1
        return {name: value.detach() for name, value in losses.items()}

    def _shared_iteration(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> Losses:
        """As the plain iteration, but the last critic update and the generator's see the same batch and edits."""
        for _ in range(self.recipe.n_critic - 1):
            self.update_discriminator(self.pair(next_batch(), generator))
        pairing = self.pair(next_batch(), generator)
        if self.recipe.micro_batch:  # edits of the whole batch, kept with their graph, are what it avoids
            return self.update_discriminator(pairing) | self.update_generator(pairing)
        with self.autocast():
            codes = self.codes(pairing)
            hidden = self.editor.generator.encode_images(pairing.images)
            edits = self.edits(pairing, hidden, codes)
        losses = self.update_discriminator(pairing, edits.detach())
        return losses | self.update_generator(pairing, hidden, codes, edits)

    def pair(self, batch: Batch, generator: torch.Generator) -> Pairing:
        """This process's part of a batch whose samples are paired, with all else that one update draws."""
        count, size = len(batch.images), self.recipe.noise_size
        device, images = self.memory.device, batch.images
        if self.recipe.precision == "bf16":
            images = images.contiguous(memory_format=torch.channels_last)
        order = draw_order(batch.labels, self.recipe.near_targets, generator).to(device)
        rows, kinds = batch.indices[order], len(self.kinds)
        noise = (
            self.memory[rows] if self.recipe.has_memory else torch.randn(count, size, generator=generator).to(device)
        )
        return Pairing(
            images=ours(images),
            reference=ours(images[order]),
            source_labels=ours(batch.labels),
            target_labels=ours(batch.labels[order]),
            noise=ours(noise),
            other_noise=ours(torch.randn(count, size, generator=generator)).to(device),
            mix=ours(torch.rand(count, generator=generator)).to(device),
            penalty_mix=ours(torch.rand(kinds * count, generator=generator).view(kinds, count), dim=1)
            .flatten()
            .to(device),
            rows=ours(rows),
        )

    def warm_up(self, pairing: Pairing) -> Losses:
        """Trains C (with D's trunk) on real images alone, or G, M, E on reconstruction alone, or both.

        An untrained C has nothing to teach a generator, and one that cannot yet copy a face gains nothing from
        editing it; both come cheaper apart than in the whole iteration.
        """
        alone, losses = self.recipe.classifier_warmup, Losses()
        if self.iteration < alone or not alone:
            losses |= self._warm_up("discriminator", "d_cls", self._real_classification, pairing)
        if self.iteration >= alone:
            losses |= self._warm_up("generator", "g_rec", self._plain_reconstruction, pairing)
        return losses

    def _warm_up(self, which: str, name: str, term: Callable[[Pairing], Tensor], pairing: Pairing) -> Losses:
        parts = pairing.split(self.recipe.micro_batch)
        losses = self._update(which, ({name: term(part)} for part in parts), len(parts), lambda each: each[name])
        return {name: losses[name]}

    def _real_classification(self, part: Pairing) -> Tensor:
        with self.autocast():
            logits = self.discriminator.classify(part.images)
        return objective.classification([logits], part.source_labels)

    def _plain_reconstruction(self, part: Pairing) -> Tensor:
        with self.autocast():
            hidden = self.editor.generator.encode_images(part.images)
            noise = part.noise.clamp(-1, 1) if self.recipe.has_memory else part.noise
            return self._reconstruction(part, hidden, noise)

    def update_discriminator(self, pairing: Pairing, edits: Tensor | None = None) -> Losses:
        """One update of D and C; `edits` (3N, 3, H, W): all `kinds` of them, made here if None."""
        parts = [pairing] if edits is not None else pairing.split(self.recipe.micro_batch)

        def losses(part: Pairing) -> Losses:
            fakes = edits
            if fakes is None:
                with torch.no_grad(), self.autocast():
                    codes = self.codes(part)
                    fakes = self.edits(part, self.editor.generator.encode_images(part.images), codes)
            return self.discriminator_losses(part, fakes.float())

        return self._update("discriminator", map(losses, parts), len(parts), self.discriminator_total)

    def update_generator(
        self,
        pairing: Pairing,
        hidden: Tensor | None = None,
        codes: Codes | None = None,
        edits: Tensor | None = None,
    ) -> Losses:
        """One update of G, M and E, and of the memory's rows of this batch.

        `hidden`, `codes` and `edits`, with their graph, are made here if None.
        """
        parts = [pairing] if edits is not None else pairing.split(self.recipe.micro_batch)
        if len(parts) > 1 and self.recipe.seeks_modes:
            with self.autocast():
                whole = self.mode_distances(parts)
            parts = [replace(part, whole=whole) for part in parts]
        noises: list[Tensor] = []

        def losses(part: Pairing) -> Losses:
            with self.autocast():
                own = codes or self.codes(part)
                first = self.editor.generator.encode_images(part.images) if hidden is None else hidden
                fakes = self.edits(part, first, own) if edits is None else edits
                noises.append(own.noise)
                return self.generator_losses(part, first, own, fakes)

        self.discriminator.requires_grad_(False)  # D only carries the gradient here
        found = self._update("generator", map(losses, parts), len(parts), self.generator_total)
        self.discriminator.requires_grad_(True)
        if self.recipe.has_memory:
            self.memory[everyones(pairing.rows)] = everyones(torch.cat(noises))
        return found

    # Mechanics ----------------------------------------------------------------------------------------------------

    def _update(self, which: str, parts: Iterable[Losses], count: int, total_of: Callable[[Losses], Tensor]) -> Losses:
        """One step down the mean of the totals of `count` parts. Returns the means of their terms, and the total."""
        found: list[Losses] = []

        def shares() -> Iterator[Tensor]:
            for losses in parts:
                total = total_of(losses)
                named = losses | {f"{which[0]}_total": total}
                found.append({name: value.detach() for name, value in named.items()})
                yield total / count

        descend(shares(), [self.optimizers[which]])
        return {name: torch.stack([each[name] for each in found]).mean() for name in found[0]}

    def _forget_warm_up(self) -> None:
        """A warm-up's small gradients, in Adam's averages, would make the next steps up to 16 times too long."""
        for optimizer in self.optimizers.values():
            optimizer.state.clear()

    def _set_learning_rate(self) -> None:
        rate = self.recipe.rate_at(int(self.iteration))
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate
