"""The training of BridgeGAN (as in the supplement; where that says nothing, as in the released code).

Each iteration makes `n_critic` updates of D and C, then one update of G, M and E together. Every update takes a new
batch. The target labels of a sample are all the labels of another sample of the batch (`draw_order`), so they always
belong to a real image, and no rule for conflicting labels is needed.

Loss terms share their computations. The first half of the generator does not use the code, so it runs once for each
batch. A few calls of the encoder give all codes, and one call of the generator's second half gives all edits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from bridgebench.methods.bridgegan import objective
from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.bridgegan.networks import Discriminator
from bridgebench.methods.bridgegan.pairing import Codes, Pairing, draw_order
from bridgebench.methods.bridgegan.recipe import BridgeGANRecipe
from bridgebench.methods.nn.losses import gradient_penalty
from bridgebench.methods.training.base import Batch, descend, set_learning_rate
from bridgebench.methods.training.parallel import common_mean, everyones, ours, processes

Losses = dict[str, Tensor]


class BridgeGANTraining(nn.Module):
    """The networks, noise memory and optimizers of a training run; `step` makes one iteration.

    Args:
        recipe: sizes, weights, schedule.
        attributes: label columns.
        image_size: side of the images.
        dataset_size: number of training images; the memory has one row for each image.
        seed: seed of the initial weights and of the first values of the memory.
    """

    recipe_type = BridgeGANRecipe
    iteration: Tensor
    memory: Tensor

    def __init__(
        self, recipe: BridgeGANRecipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.recipe, self.weights, self.kinds = recipe, recipe.weights(), recipe.kinds()
        self.batch_size, self.total_iterations = recipe.batch_size, recipe.iterations
        self.editor = BridgeGAN(attributes=attributes, image_size=image_size, **recipe.editor_sizes())
        self.discriminator = Discriminator(
            len(attributes), image_size, recipe.discriminator_width, recipe.discriminator_blocks
        )
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
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
        set_learning_rate(self.optimizers, self.recipe.rate_at(int(self.iteration)))
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
        """An iteration in which the last update of D and the update of G use the same batch and edits."""
        for _ in range(self.recipe.n_critic - 1):
            self.update_discriminator(self.pair(next_batch(), generator))
        pairing = self.pair(next_batch(), generator)
        if self.recipe.micro_batch:  # it must not keep the whole batch's edits with their graph
            return self.update_discriminator(pairing) | self.update_generator(pairing)
        with self.autocast():
            codes = self.codes(pairing)
            hidden = self.editor.generator.encode_images(pairing.images)
            edits = self.edits(pairing, hidden, codes)
        losses = self.update_discriminator(pairing, edits.detach())
        return losses | self.update_generator(pairing, hidden, codes, edits)

    def pair(self, batch: Batch, generator: torch.Generator) -> Pairing:
        """This process's part of a batch, with target labels and all other random draws of one update."""
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
        """Trains C (with D's trunk) on real images only, or G, M and E on reconstruction only, or does both.

        An untrained C cannot teach a generator, and a generator that cannot copy a face yet cannot learn to edit it.
        Training them separately first costs less than whole iterations.
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
        """One update of D and C. `edits` (3N, 3, H, W), N of each of the `kinds`, are computed if None."""
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
        """One update of G, M and E, and of the rows of the memory that belong to this batch.

        `hidden`, `codes` and `edits` must come with their graph; they are computed here if None.
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

        self.discriminator.requires_grad_(False)  # the gradient only passes through D here
        found = self._update("generator", map(losses, parts), len(parts), self.generator_total)
        self.discriminator.requires_grad_(True)
        if self.recipe.has_memory:
            self.memory[everyones(pairing.rows)] = everyones(torch.cat(noises))
        return found

    # Codes, edits and loss terms --------------------------------------------------------------------------------------

    def codes(self, pairing: Pairing) -> Codes:
        """E(X_s, -att_diff), M(r, att_diff) and E(X_r, att_diff), where r are the memory's rows after one step."""
        difference, noise = pairing.difference, pairing.noise
        source, reference = self._encode(pairing, -difference, difference)
        if reference is not None and self.recipe.has_memory:
            noise = self.moved_noise(pairing, reference.detach())
        label = self.editor.mapping(noise, difference) if "label" in self.kinds else None
        return Codes(source, label, reference, noise)

    def _encode(self, pairing: Pairing, of_source: Tensor, of_reference: Tensor) -> tuple[Tensor, Tensor | None]:
        """The codes of the images and, if references are used, of their references, in one call of E."""
        if "reference" not in self.kinds:
            return self.editor.encoder(pairing.images, of_source), None
        both = self.editor.encoder(torch.cat([pairing.images, pairing.reference]), torch.cat([of_source, of_reference]))
        source, reference = both.chunk(2)
        return source, reference

    def moved_noise(self, pairing: Pairing, reference_code: Tensor) -> Tensor:
        """The rows R of the batch after one memory step; no gradient flows back through this step."""
        with torch.enable_grad():
            rows = pairing.noise.detach().requires_grad_()
            matching = (reference_code.float() - self.editor.mapping(rows, pairing.difference).float()).square().mean()
            share = processes() * pairing.parts
            (gradient,) = torch.autograd.grad(matching / share, rows)  # gradient of the mean over the whole batch
        return objective.memory_step(pairing.noise, gradient, self.recipe.memory_sign)

    def edits(self, pairing: Pairing, hidden: Tensor, codes: Codes) -> Tensor:
        """The edits X_rand, X_ref and X_interp, as far as `kinds` has them, one after the other: (3N, 3, H, W)."""
        found = codes.of_edits()
        if "interpolated" in self.kinds:
            label, reference = found
            mix = pairing.mix.view(-1, 1, 1, 1).to(label.dtype)
            found.append(mix * label + (1 - mix) * reference)
        count = len(found)
        all_codes = torch.cat(found) + codes.source.repeat(count, 1, 1, 1)
        return self.editor.generator.decode_with(hidden.repeat(count, 1, 1, 1), all_codes)

    def discriminator_losses(self, pairing: Pairing, edits: Tensor) -> Losses:
        """d_gan, d_cls and (at every `penalty_every`-th update) d_gp."""
        images, count, kinds = pairing.images, len(pairing.images), len(self.kinds)
        with self.autocast():
            hidden = self.discriminator.hidden(torch.cat([images, edits]))
            scores, logits = self.discriminator.realness_of(hidden), self.discriminator.logits_of(hidden[:count])
        losses = {
            "d_gan": objective.critic_distance(scores[:count].float(), scores[count:].float().chunk(kinds)),
            "d_cls": objective.classification([logits], pairing.source_labels),
        }
        if self.iteration % self.recipe.penalty_every == 0:
            images = images.repeat(kinds, 1, 1, 1)
            with self.autocast():
                losses["d_gp"] = gradient_penalty(
                    self.discriminator.score, images, edits, pairing.penalty_mix, linear_pieces=True
                )
        return losses

    def generator_losses(self, pairing: Pairing, hidden: Tensor, codes: Codes, edits: Tensor) -> Losses:
        """All loss terms of G, M and E whose weight is not zero at this iteration, by name."""
        scores, logits = self.discriminator(edits)
        kinds = len(self.kinds)
        losses = {
            "g_gan": -objective.mean_score(scores.float().chunk(kinds)),
            "g_cls": objective.classification(logits.chunk(kinds), pairing.target_labels),
            "g_rec": self._reconstruction(pairing, hidden, codes.noise),
        }
        if self.recipe.seeks_modes:
            losses["g_ms"] = self._mode_seeking(pairing, hidden, codes, edits)
        losses["mean_code"] = codes.source.detach().float().abs().mean()
        if self.ramp() > 0:
            losses |= self._code_losses(pairing, codes, edits)
        return losses

    def _reconstruction(self, pairing: Pairing, hidden: Tensor, noise: Tensor) -> Tensor:
        nothing = torch.zeros_like(pairing.difference)
        source, reference = self._encode(pairing, nothing, nothing)
        codes = [self.editor.mapping(noise, nothing) + source] if "label" in self.kinds else []
        if reference is not None:
            codes.append(reference + source)
        rebuilt = self.editor.generator.decode_with(hidden.repeat(len(codes), 1, 1, 1), torch.cat(codes))
        return objective.reconstruction(pairing.images, rebuilt.chunk(len(codes)))

    def _mode_seeking(self, pairing: Pairing, hidden: Tensor, codes: Codes, edits: Tensor) -> Tensor:
        other = self._other_edits(pairing, hidden, codes)
        own, epsilon = edits[: len(other)], self.recipe.mode_epsilon
        return objective.mode_seeking(codes.noise, pairing.other_noise, own, other, pairing.whole, epsilon)

    @torch.no_grad()
    def _other_edits(self, pairing: Pairing, hidden: Tensor, codes: Codes) -> Tensor:
        """The label edits made with the other noise."""
        code = self.editor.mapping(pairing.other_noise, pairing.difference) + codes.source
        return self.editor.generator.decode_with(hidden, code)

    @torch.no_grad()
    def mode_distances(self, parts: Sequence[Pairing]) -> tuple[Tensor, Tensor]:
        """The `objective.mode_distances` of the whole batch, which every part needs to compute its gradient."""
        found = []
        for part in parts:
            codes, hidden = self.codes(part), self.editor.generator.encode_images(part.images)
            edited = self.editor.generator.decode_with(hidden, codes.of_edits()[0] + codes.source)
            other = self._other_edits(part, hidden, codes)
            found.append(torch.stack(objective.mode_distances(codes.noise, part.other_noise, edited, other)))
        noises, edits = common_mean(torch.stack(found).mean(dim=0))
        return noises, edits

    def _code_losses(self, pairing: Pairing, codes: Codes, edits: Tensor) -> Losses:
        """cyc_rand, cyc_ref, sty and ak; one call of E reads all codes that these terms need.

        ak uses the label edit, or the reference edit if the recipe has no label edits.
        """
        of_edits, images = codes.of_edits(), list(edits.chunk(len(self.kinds)))
        asked = [(image.detach(), pairing.difference) for image, _ in zip(images, of_edits, strict=False)]
        if self.recipe.keeping:
            keep = objective.attribute_keeping_vector(pairing.difference, pairing.source_labels)
            asked += [(images[0], keep), (pairing.images, keep)]
        faces, questions = (torch.cat(parts) for parts in zip(*asked, strict=True))
        read = self.editor.encoder(faces, questions).chunk(len(asked))
        losses = {"g_cyc": objective.cycle(of_edits, read[: len(of_edits)])}
        if len(of_edits) == 2:
            losses["g_sty"] = objective.closeness(*of_edits)
        if self.recipe.keeping:
            losses["g_ak"] = objective.keeping(*read[-2:])
        return losses

    def discriminator_total(self, losses: Losses) -> Tensor:
        """The weighted sum of the terms of D and C."""
        weights = self.weights
        total = losses["d_gan"] + weights.d_classification * losses["d_cls"]
        if "d_gp" in losses:
            # A penalty that is computed at every k-th iteration only has k times the weight.
            total = total + weights.d_penalty * self.recipe.penalty_every * losses["d_gp"]
        return total

    def generator_total(self, losses: Losses) -> Tensor:
        """The weighted sum of the terms of G, M and E."""
        of, ramp = self.weights, self.ramp()
        rebuilding = self.recipe.reconstruction_at(int(self.iteration), of.reconstruction)
        plain = {"g_gan": 1.0, "g_cls": of.classification, "g_rec": rebuilding, "g_ms": of.mode_seeking}
        total = _weighted(losses, plain)
        if ramp > 0:
            total = total + ramp * _weighted(losses, {"g_cyc": of.cycle, "g_sty": of.closeness, "g_ak": of.keeping})
        return total

    def ramp(self) -> float:
        """The factor in [0, 1] of the weights of cycle, closeness and keeping now; always 1 without a ramp."""
        if not self.recipe.ramp:
            return 1.0
        return min(1.0, max(0, int(self.iteration) - self.recipe.first_edit) / self.recipe.ramp)

    def autocast(self) -> torch.autocast:
        """Autocast to bfloat16 if the recipe asks for it."""
        return torch.autocast(self.iteration.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    # Mechanics ----------------------------------------------------------------------------------------------------

    def _update(self, which: str, parts: Iterable[Losses], count: int, total_of: Callable[[Losses], Tensor]) -> Losses:
        """One optimizer step on the mean total of `count` parts. Returns the means of the terms and of the total."""
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
        """Resets Adam: its averages of the warm-up's small gradients would make the next steps 16 times too long."""
        for optimizer in self.optimizers.values():
            optimizer.state.clear()


def _weighted(losses: Losses, weights: Mapping[str, float]) -> Tensor:
    """The weighted sum of the terms that are in `losses`."""
    return reduce(add, [weight * losses[name] for name, weight in weights.items() if name in losses])
