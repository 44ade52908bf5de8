"""BridgeGAN's losses as its equations stand (supplement, section on losses), and one training step of them.

`Named` computes each code and each image where a loss names it. `Remembered` computes each once an update, as a careful
author would, but in calls of their own. Both use our networks: what is timed is the step alone.
"""

from __future__ import annotations

import copy
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.bridgegan.pairing import Pairing
from bridgebench.methods.bridgegan.training import BridgeGANTraining

Terms = dict[str, Tensor]


class Named:
    """Codes and images of one update, by the paper's names; each is computed whenever it is asked for."""

    def __init__(self, training: BridgeGANTraining, pairing: Pairing) -> None:
        self.generator, self.mapping = training.editor.generator, training.editor.mapping
        self.encoder = training.editor.encoder
        self.x_s, self.x_r, self.mix = pairing.images, pairing.reference, pairing.mix.view(-1, 1, 1, 1)
        self.y_s, self.y_t, self.other = pairing.source_labels, pairing.target_labels, pairing.other_noise
        self.difference, self.nothing = self.y_t - self.y_s, torch.zeros_like(self.y_s)
        self.r = self._moved(pairing.noise, training.recipe.memory_sign)

    def _moved(self, rows: Tensor, sign: int) -> Tensor:
        rows = rows.detach().requires_grad_()
        matching = (self.encoder(self.x_r, self.difference) - self.mapping(rows, self.difference)).square().mean()
        (gradient,) = torch.autograd.grad(matching, rows)
        rms = gradient.square().mean(dim=1, keepdim=True).sqrt()
        return (rows + sign * (0.9 / rms + 5.0) * gradient).clamp(-1, 1).detach()

    @property
    def s_rand(self) -> Tensor:
        return self.mapping(self.r, self.difference) + self.encoder(self.x_s, -self.difference)

    @property
    def s_ref(self) -> Tensor:
        return self.encoder(self.x_r, self.difference) + self.encoder(self.x_s, -self.difference)

    @property
    def x_rand(self) -> Tensor:
        return self.generator(self.x_s, self.s_rand)

    @property
    def x_ref(self) -> Tensor:
        return self.generator(self.x_s, self.s_ref)

    @property
    def x_interp(self) -> Tensor:
        return self.generator(self.x_s, self.mix * self.s_rand + (1 - self.mix) * self.s_ref)


class Remembered(Named):
    """The same, each computed at its first mention and kept."""

    @cached_property
    def s_rand(self) -> Tensor:  # type: ignore[override]
        return super().s_rand

    @cached_property
    def s_ref(self) -> Tensor:  # type: ignore[override]
        return super().s_ref

    @cached_property
    def x_rand(self) -> Tensor:  # type: ignore[override]
        return super().x_rand

    @cached_property
    def x_ref(self) -> Tensor:  # type: ignore[override]
        return super().x_ref

    @cached_property
    def x_interp(self) -> Tensor:  # type: ignore[override]
        return super().x_interp


def _l1(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def discriminator_terms(training: BridgeGANTraining, now: Named, penalty_mix: Tensor) -> Terms:
    """d_gan, d_gp and d_cls."""
    score, classify = training.discriminator.score, training.discriminator.classify

    def penalty(fake: Tensor, mix: Tensor) -> Tensor:
        between = (now.x_s + mix.view(-1, 1, 1, 1) * (fake - now.x_s)).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
        return (gradient.flatten(1).norm(2, dim=1) - 1).square().mean()

    fakes = score(now.x_rand.detach()).mean() + score(now.x_ref.detach()).mean() + score(now.x_interp.detach()).mean()
    first, second, third = penalty_mix.chunk(3)
    return {
        "d_gan": -(score(now.x_s).mean() - fakes / 3),
        "d_gp": (penalty(now.x_rand, first) + penalty(now.x_ref, second) + penalty(now.x_interp, third)) / 3,
        "d_cls": F.binary_cross_entropy_with_logits(classify(now.x_s), now.y_s),
    }


def generator_terms(training: BridgeGANTraining, now: Named) -> Terms:
    """g_gan, g_cls, g_rec, g_cyc (the average of cyc_rand and cyc_ref), g_sty, g_ak and g_ms."""
    score, classify = training.discriminator.score, training.discriminator.classify
    encode, generate, d = now.encoder, now.generator, now.difference
    keep = (1 - d.abs()) * (1 - 2 * now.y_s)
    by_label = generate(now.x_s, now.mapping(now.r, now.nothing) + encode(now.x_s, now.nothing))
    by_reference = generate(now.x_s, encode(now.x_r, now.nothing) + encode(now.x_s, now.nothing))
    back_label = encode(now.x_rand.detach(), d) + encode(now.x_s, -d)
    back_reference = encode(now.x_ref.detach(), d) + encode(now.x_s, -d)
    other = generate(now.x_s, now.mapping(now.other, d) + encode(now.x_s, -d)).detach()
    return {
        "g_gan": -(score(now.x_rand).mean() + score(now.x_ref).mean() + score(now.x_interp).mean()) / 3,
        "g_cls": (
            F.binary_cross_entropy_with_logits(classify(now.x_rand), now.y_t)
            + F.binary_cross_entropy_with_logits(classify(now.x_ref), now.y_t)
            + F.binary_cross_entropy_with_logits(classify(now.x_interp), now.y_t)
        )
        / 3,
        "g_rec": (_l1(now.x_s, by_label) + _l1(now.x_s, by_reference)) / 2,
        "g_cyc": (_l1(now.s_rand, back_label) + _l1(now.s_ref, back_reference)) / 2,
        "g_sty": _l1(now.s_rand, now.s_ref),
        "g_ak": _l1(encode(now.x_rand, keep), encode(now.x_s, keep)),
        "g_ms": _l1(now.other, now.r) / (_l1(other, now.x_rand) + 1e-5),
    }


class Step:
    """The two updates by these losses, on a copy of a training's networks with plain Adam.

    Args:
        training: gives networks, weights of the terms, and the draws (a `Pairing`).
        kind: `Named` or `Remembered`.
    """

    def __init__(self, training: BridgeGANTraining, kind: type[Named]) -> None:
        self.training, self.kind = copy.deepcopy(training), kind
        rate, betas = training.recipe.learning_rate, (0.5, 0.999)
        self.adam_d = torch.optim.Adam(self.training.discriminator.parameters(), rate, betas)
        self.adam_g = torch.optim.Adam(self.training.editor.parameters(), rate, betas)

    def update_discriminator(self, pairing: Pairing) -> Terms:
        """One update of D and C."""
        weights = self.training.weights
        terms = discriminator_terms(self.training, self.kind(self.training, pairing), pairing.penalty_mix)
        total = terms["d_gan"] + weights.d_penalty * terms["d_gp"] + weights.d_classification * terms["d_cls"]
        self.adam_d.zero_grad()
        total.backward()
        self.adam_d.step()
        return {name: term.detach() for name, term in terms.items()} | {"d_total": total.detach()}

    def update_generator(self, pairing: Pairing) -> Terms:
        """One update of G, M and E."""
        weights, now = self.training.weights, self.kind(self.training, pairing)
        terms = generator_terms(self.training, now)
        total = (
            terms["g_gan"]
            + weights.classification * terms["g_cls"]
            + weights.reconstruction * terms["g_rec"]
            + weights.cycle * terms["g_cyc"]
            + weights.closeness * terms["g_sty"]
            + weights.keeping * terms["g_ak"]
            + weights.mode_seeking * terms["g_ms"]
        )
        self.adam_g.zero_grad()
        total.backward()
        self.adam_g.step()
        self.training.memory[pairing.rows] = now.r
        return {name: term.detach() for name, term in terms.items()} | {"g_total": total.detach()}
