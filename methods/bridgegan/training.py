"""One training iteration of BridgeGAN (supplement; the released code's loop where that is silent).

Each iteration makes `n_critic` updates of D and C, then one of G, M and E together, every update on a fresh batch. In
a batch the target of a sample is another sample of it (a random permutation), so a target label is always the whole
label of a real image and no conflict rule is needed.

What two terms share is computed once: the generator's first half, which does not see the code, runs once a batch;
all codes of one update come from one call of the encoder, all edits from one call of the generator's second half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from methods.bridgegan import objective
from methods.bridgegan.editor import BridgeGAN
from methods.bridgegan.networks import Discriminator
from methods.bridgegan.recipe import BridgeGANRecipe
from methods.losses import gradient_penalty
from methods.training import Batch

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Pairing:
    """A batch with everything random in it drawn: what one update looks at.

    Shapes: images and reference (N, 3, H, W), labels (N, n), noise (the memory's rows R) and other_noise (N, d),
    mix (N,) and penalty_mix (3N,) in [0, 1], rows (N,) of the memory.
    """

    images: Tensor
    reference: Tensor
    source_labels: Tensor
    target_labels: Tensor
    noise: Tensor
    other_noise: Tensor
    mix: Tensor
    penalty_mix: Tensor
    rows: Tensor

    @property
    def difference(self) -> Tensor:
        """att_diff = Y_t - Y_s."""
        return objective.attribute_difference(self.target_labels, self.source_labels)


@dataclass(frozen=True)
class Codes:
    """The codes of one update; `label` and `reference` without the summand `source` that S_rand and S_ref share."""

    source: Tensor
    label: Tensor
    reference: Tensor
    noise: Tensor


class BridgeGANTraining(nn.Module):
    """Networks, noise memory and optimizers of a training run; `step` makes one iteration.

    Args:
        recipe: sizes, weights, schedule.
        attributes: label columns.
        image_size: side of the images.
        dataset_size: number of training images; the memory has a row for each.
        seed: of the initial weights and the memory's first values.
    """

    memory: Tensor
    iteration: Tensor

    def __init__(
        self, recipe: BridgeGANRecipe, attributes: tuple[str, ...], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.recipe, self.batch_size, self.total_iterations = recipe, recipe.batch_size, recipe.iterations
        self.editor = BridgeGAN(attributes=attributes, image_size=image_size, **recipe.editor_sizes())
        self.discriminator = Discriminator(
            len(attributes), image_size, recipe.discriminator_width, recipe.discriminator_blocks
        )
        self.register_buffer("memory", torch.randn(dataset_size, recipe.noise_size))
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
        self.weights = recipe.weights()
        self.optimizers = {
            "generator": self._adam(self.editor.parameters()),
            "discriminator": self._adam(self.discriminator.parameters()),
        }

    def _adam(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
        return torch.optim.Adam(parameters, lr=self.recipe.learning_rate, betas=(0.5, 0.999), fused=True)

    # One iteration ------------------------------------------------------------------------------------------------

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> Losses:
        """Makes one iteration; all randomness comes from `generator`.

        Returns:
            The terms of the losses by name, detached scalars.
        """
        self._set_learning_rate()
        if self.iteration < self.recipe.warmup:
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
        with self._autocast():
            codes = self.codes(pairing)
            hidden = self.editor.generator.encode_images(pairing.images)
            edits = self.edits(pairing, hidden, codes)
        losses = self.update_discriminator(pairing, edits.detach())
        return losses | self.update_generator(pairing, hidden, codes, edits)

    def pair(self, batch: Batch, generator: torch.Generator) -> Pairing:
        """Pairs the samples of a batch at random and draws all else that one update needs."""
        count, size = len(batch.images), self.recipe.noise_size
        device = self.memory.device
        order = torch.randperm(count, generator=generator).to(device)
        rows = batch.indices[order]
        return Pairing(
            images=batch.images,
            reference=batch.images[order],
            source_labels=batch.labels,
            target_labels=batch.labels[order],
            noise=self.memory[rows],
            other_noise=torch.randn(count, size, generator=generator).to(device),
            mix=torch.rand(count, generator=generator).to(device),
            penalty_mix=torch.rand(3 * count, generator=generator).to(device),
            rows=rows,
        )

    def warm_up(self, pairing: Pairing) -> Losses:
        """Trains C (with D's trunk) on real images alone, and G, M, E on reconstruction alone.

        An untrained C has nothing to teach a generator, and one that cannot yet copy a face gains nothing from
        editing it; both come cheaper apart than in the whole iteration.
        """
        with self._autocast():
            logits = self.discriminator.classify(pairing.images)
            hidden = self.editor.generator.encode_images(pairing.images)
            rebuilt = self._reconstruction(pairing, hidden, pairing.noise.clamp(-1, 1))
        classification = objective.classification([logits], pairing.source_labels)
        self._update("discriminator", classification)
        self._update("generator", rebuilt)
        return {"d_cls": classification, "g_rec": rebuilt}

    def update_discriminator(self, pairing: Pairing, edits: Tensor | None = None) -> Losses:
        """One update of D and C; `edits` (3N, 3, H, W): label, reference and interpolated ones, made here if None."""
        if edits is None:
            with torch.no_grad(), self._autocast():
                codes = self.codes(pairing)
                edits = self.edits(pairing, self.editor.generator.encode_images(pairing.images), codes)
        losses = self.discriminator_losses(pairing, edits.float())
        weights = self.weights
        total = losses["d_gan"] + weights.d_classification * losses["d_cls"]
        if "d_gp" in losses:
            # A penalty taken at every k-th update weighs k times as much.
            total = total + weights.d_penalty * self.recipe.penalty_every * losses["d_gp"]
        self._update("discriminator", total)
        return losses | {"d_total": total}

    def update_generator(
        self,
        pairing: Pairing,
        hidden: Tensor | None = None,
        codes: Codes | None = None,
        edits: Tensor | None = None,
    ) -> Losses:
        """One update of G, M and E, and of the memory's rows of this batch."""
        self.discriminator.requires_grad_(False)  # D only carries the gradient here
        with self._autocast():
            codes = codes or self.codes(pairing)
            hidden = self.editor.generator.encode_images(pairing.images) if hidden is None else hidden
            edits = self.edits(pairing, hidden, codes) if edits is None else edits
            losses = self.generator_losses(pairing, hidden, codes, edits)
        total = self.generator_total(losses)
        self._update("generator", total)
        self.discriminator.requires_grad_(True)
        self.memory[pairing.rows] = codes.noise
        return losses | {"g_total": total}

    # Codes and edits ----------------------------------------------------------------------------------------------

    def codes(self, pairing: Pairing) -> Codes:
        """E(X_s, -att_diff), M(r, att_diff), E(X_r, att_diff) with the memory's rows r moved one step."""
        difference = pairing.difference
        both = self.editor.encoder(torch.cat([pairing.images, pairing.reference]), torch.cat([-difference, difference]))
        source, reference = both.chunk(2)
        noise = self.moved_noise(pairing, reference.detach())
        return Codes(source, self.editor.mapping(noise, difference), reference, noise)

    def moved_noise(self, pairing: Pairing, reference_code: Tensor) -> Tensor:
        """The rows R of the batch after one memory step; no gradient flows back through it."""
        with torch.enable_grad():
            rows = pairing.noise.detach().requires_grad_()
            matching = (reference_code.float() - self.editor.mapping(rows, pairing.difference).float()).square().mean()
            (gradient,) = torch.autograd.grad(matching, rows)
        return objective.memory_step(pairing.noise, gradient, self.recipe.memory_sign)

    def edits(self, pairing: Pairing, hidden: Tensor, codes: Codes) -> Tensor:
        """X_rand, X_ref and X_interp, one after the other: (3N, 3, H, W)."""
        mix = pairing.mix.view(-1, 1, 1, 1).to(codes.label.dtype)
        between = mix * codes.label + (1 - mix) * codes.reference
        all_codes = torch.cat([codes.label, codes.reference, between]) + codes.source.repeat(3, 1, 1, 1)
        return self.editor.generator.decode_with(hidden.repeat(3, 1, 1, 1), all_codes)

    # Losses -------------------------------------------------------------------------------------------------------

    def discriminator_losses(self, pairing: Pairing, edits: Tensor) -> Losses:
        """d_gan, d_cls and (at every `penalty_every`-th update) d_gp."""
        images, count = pairing.images, len(pairing.images)
        with self._autocast():
            hidden = self.discriminator.hidden(torch.cat([images, edits]))
            scores, logits = self.discriminator.realness_of(hidden), self.discriminator.logits_of(hidden[:count])
        losses = {
            "d_gan": objective.critic_distance(scores[:count].float(), scores[count:].float().chunk(3)),
            "d_cls": objective.classification([logits], pairing.source_labels),
        }
        if self.iteration % self.recipe.penalty_every == 0:
            with self._autocast():
                losses["d_gp"] = gradient_penalty(
                    self.discriminator.score, images.repeat(3, 1, 1, 1), edits, pairing.penalty_mix
                )
        return losses

    def generator_losses(self, pairing: Pairing, hidden: Tensor, codes: Codes, edits: Tensor) -> Losses:
        """Every term of G, M and E whose weight is not zero at this iteration, by name."""
        scores, logits = self.discriminator(edits)
        losses = {
            "g_gan": -objective.mean_score(scores.float().chunk(3)),
            "g_cls": objective.classification(logits.chunk(3), pairing.target_labels),
            "g_rec": self._reconstruction(pairing, hidden, codes.noise),
            "g_ms": self._mode_seeking(pairing, hidden, codes, edits),
            "mean_code": codes.source.detach().float().abs().mean(),
        }
        if self.ramp() > 0:
            losses |= self._code_losses(pairing, codes, edits)
        return losses

    def _reconstruction(self, pairing: Pairing, hidden: Tensor, noise: Tensor) -> Tensor:
        nothing = torch.zeros_like(pairing.difference)
        source, reference = self.editor.encoder(
            torch.cat([pairing.images, pairing.reference]), torch.cat([nothing, nothing])
        ).chunk(2)
        both = torch.cat([self.editor.mapping(noise, nothing) + source, reference + source])
        rebuilt = self.editor.generator.decode_with(hidden.repeat(2, 1, 1, 1), both)
        return objective.reconstruction(pairing.images, rebuilt.chunk(2))

    def _mode_seeking(self, pairing: Pairing, hidden: Tensor, codes: Codes, edits: Tensor) -> Tensor:
        with torch.no_grad():
            code = self.editor.mapping(pairing.other_noise, pairing.difference) + codes.source
            other = self.editor.generator.decode_with(hidden, code)
        return objective.mode_seeking(codes.noise, pairing.other_noise, edits[: len(other)], other)

    def _code_losses(self, pairing: Pairing, codes: Codes, edits: Tensor) -> Losses:
        """cyc_rand, cyc_ref, sty and ak: three readings of edits and one of the source in one call of E."""
        count, difference = len(pairing.images), pairing.difference
        keep = objective.attribute_keeping_vector(difference, pairing.source_labels)
        label_edit, reference_edit = edits[:count], edits[count : 2 * count]
        read = self.editor.encoder(
            torch.cat([label_edit.detach(), reference_edit.detach(), label_edit, pairing.images]),
            torch.cat([difference, difference, keep, keep]),
        )
        label_back, reference_back, kept_edit, kept_source = read.chunk(4)
        return {
            "g_cyc": objective.cycle([codes.label, codes.reference], [label_back, reference_back]),
            "g_sty": objective.closeness(codes.label, codes.reference),
            "g_ak": objective.keeping(kept_edit, kept_source),
        }

    def generator_total(self, losses: Losses) -> Tensor:
        """The weighted sum of the terms of G, M and E."""
        weights, ramp = self.weights, self.ramp()
        total = (
            losses["g_gan"]
            + weights.classification * losses["g_cls"]
            + weights.reconstruction * losses["g_rec"]
            + weights.mode_seeking * losses["g_ms"]
        )
        if ramp > 0:
            codes = weights.cycle * losses["g_cyc"] + weights.closeness * losses["g_sty"]
            total = total + ramp * (codes + weights.keeping * losses["g_ak"])
        return total

    def ramp(self) -> float:
        """Share of their weight that cycle, closeness and keeping have by now (1 throughout without a ramp)."""
        if not self.recipe.ramp:
            return 1.0
        return min(1.0, max(0, int(self.iteration) - self.recipe.warmup) / self.recipe.ramp)

    # Mechanics ----------------------------------------------------------------------------------------------------

    def _update(self, which: str, loss: Tensor) -> None:
        optimizer = self.optimizers[which]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def _set_learning_rate(self) -> None:
        rate = self.recipe.rate_at(int(self.iteration))
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.memory.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")
