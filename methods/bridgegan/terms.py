"""BridgeGAN's codes, edits and loss terms of one update, computed so that what two terms share is computed once.

The generator's first half does not see the code and runs once a batch; codes come from few calls of the encoder, edits
from one call of the generator's second half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from methods.bridgegan import objective
from methods.bridgegan.editor import BridgeGAN
from methods.bridgegan.networks import Discriminator
from methods.bridgegan.recipe import BridgeGANRecipe
from methods.errors import UserError
from methods.losses import gradient_penalty
from methods.parallel import common_mean, processes

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Pairing:
    """A batch with everything random in it drawn: what one update looks at.

    Shapes: images and reference (N, 3, H, W), labels (N, n), noise (the memory's rows R) and other_noise (N, d),
    mix (N,) and penalty_mix (3N,) in [0, 1], rows (N,) of the memory. Where it is one of several `parts` of a batch,
    `whole` are the `objective.mode_distances` of that batch.
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
    parts: int = 1
    whole: tuple[Tensor, Tensor] | None = None

    def split(self, size: int) -> list[Pairing]:
        """Parts of `size` samples, or all in one if `size` is 0.

        Raises:
            UserError: the batch cannot be cut into such parts.
        """
        count = len(self.images)
        if size in (0, count):
            return [self]
        if count % size:
            raise UserError(f"A batch of {count} cannot be cut into parts of {size}: choose another micro_batch.")
        parts = count // size
        mixes = [each.flatten() for each in self.penalty_mix.view(3, count).chunk(parts, dim=1)]
        names = ["images", "reference", "source_labels", "target_labels", "noise", "other_noise", "mix", "rows"]
        cut = {name: getattr(self, name).chunk(parts) for name in names}
        return [
            Pairing(**{name: cut[name][k] for name in names}, penalty_mix=mixes[k], parts=parts) for k in range(parts)
        ]

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


class BridgeGANTerms(nn.Module):
    """The networks of a training run and every term of their losses.

    Args:
        recipe: sizes, weights, schedule.
        attributes: label columns.
        image_size: side of the images.
    """

    iteration: Tensor

    def __init__(self, recipe: BridgeGANRecipe, attributes: tuple[str, ...], image_size: int) -> None:
        super().__init__()
        self.recipe, self.weights = recipe, recipe.weights()
        self.editor = BridgeGAN(attributes=attributes, image_size=image_size, **recipe.editor_sizes())
        self.discriminator = Discriminator(
            len(attributes), image_size, recipe.discriminator_width, recipe.discriminator_blocks
        )
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))

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
            share = processes() * pairing.parts
            (gradient,) = torch.autograd.grad(matching / share, rows)  # of the mean over the whole batch
        return objective.memory_step(pairing.noise, gradient, self.recipe.memory_sign)

    def edits(self, pairing: Pairing, hidden: Tensor, codes: Codes) -> Tensor:
        """X_rand, X_ref and X_interp, one after the other: (3N, 3, H, W)."""
        mix = pairing.mix.view(-1, 1, 1, 1).to(codes.label.dtype)
        between = mix * codes.label + (1 - mix) * codes.reference
        all_codes = torch.cat([codes.label, codes.reference, between]) + codes.source.repeat(3, 1, 1, 1)
        return self.editor.generator.decode_with(hidden.repeat(3, 1, 1, 1), all_codes)

    def discriminator_losses(self, pairing: Pairing, edits: Tensor) -> Losses:
        """d_gan, d_cls and (at every `penalty_every`-th update) d_gp."""
        images, count = pairing.images, len(pairing.images)
        with self.autocast():
            hidden = self.discriminator.hidden(torch.cat([images, edits]))
            scores, logits = self.discriminator.realness_of(hidden), self.discriminator.logits_of(hidden[:count])
        losses = {
            "d_gan": objective.critic_distance(scores[:count].float(), scores[count:].float().chunk(3)),
            "d_cls": objective.classification([logits], pairing.source_labels),
        }
        if self.iteration % self.recipe.penalty_every == 0:
            with self.autocast():
                losses["d_gp"] = gradient_penalty(
                    self.discriminator.score, images.repeat(3, 1, 1, 1), edits, pairing.penalty_mix, linear_pieces=True
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
        other = self._other_edits(pairing, hidden, codes)
        own, epsilon = edits[: len(other)], self.recipe.mode_epsilon
        return objective.mode_seeking(codes.noise, pairing.other_noise, own, other, pairing.whole, epsilon)

    @torch.no_grad()
    def _other_edits(self, pairing: Pairing, hidden: Tensor, codes: Codes) -> Tensor:
        """The edits by label with other noise."""
        code = self.editor.mapping(pairing.other_noise, pairing.difference) + codes.source
        return self.editor.generator.decode_with(hidden, code)

    @torch.no_grad()
    def mode_distances(self, parts: Sequence[Pairing]) -> tuple[Tensor, Tensor]:
        """Those of the whole batch, of which every part must know before it gives its gradient."""
        found = []
        for part in parts:
            codes, hidden = self.codes(part), self.editor.generator.encode_images(part.images)
            edited = self.editor.generator.decode_with(hidden, codes.label + codes.source)
            other = self._other_edits(part, hidden, codes)
            found.append(torch.stack(objective.mode_distances(codes.noise, part.other_noise, edited, other)))
        noises, edits = common_mean(torch.stack(found).mean(dim=0))
        return noises, edits

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

    def discriminator_total(self, losses: Losses) -> Tensor:
        """The weighted sum of the terms of D and C."""
        weights = self.weights
        total = losses["d_gan"] + weights.d_classification * losses["d_cls"]
        if "d_gp" in losses:
            # A penalty taken at every k-th update weighs k times as much.
            total = total + weights.d_penalty * self.recipe.penalty_every * losses["d_gp"]
        return total

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

    def autocast(self) -> torch.autocast:
        """bfloat16 where the recipe asks for it."""
        return torch.autocast(self.iteration.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")
