"""One StarGAN v2 iteration written straight from its equations, with the layers and the Adam of the official code."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.norms import official_norms
from bridgebench.methods.starganv2.pairing import Pairing
from bridgebench.methods.starganv2.training import StarGANv2Training

Terms = dict[str, Tensor]


class Step:
    """The four updates and the moving average, on a copy of a training's networks (without a high-pass skip)."""

    def __init__(self, training: StarGANv2Training) -> None:
        self.g, self.f = official_norms(training.generator), official_norms(training.mapping_network)
        self.e, self.d = official_norms(training.style_encoder), official_norms(training.discriminator)
        self.averages = [copy.deepcopy(network) for network in (self.g, self.f, self.e)]
        self.recipe = recipe = training.recipe
        rates = {"g": recipe.learning_rate, "f": recipe.mapping_learning_rate, "e": recipe.learning_rate}
        self.adams = {
            name: torch.optim.Adam(
                getattr(self, name).parameters(), rate, recipe.betas, weight_decay=recipe.weight_decay
            )
            for name, rate in {**rates, "d": recipe.learning_rate}.items()
        }

    def iteration(self, pairing: Pairing) -> Terms:
        """One iteration, the penalty in both updates of D. Returns the terms by the names of our logs."""
        found: Terms = {}
        for by in ("noise", "reference"):
            terms = self.discriminator_terms(pairing, by)
            self._descend(terms["real"] + terms["fake"] + self.recipe.weights.penalty * terms["penalty"], "d")
            found |= {f"discriminator/{by}/{name}": term.detach() for name, term in terms.items()}
        weights = self.recipe.weights
        for by in ("noise", "reference"):
            terms = self.generator_terms(pairing, by)
            kept = weights.style * terms["style"] + weights.cycle * terms["cycle"]
            total = terms["adversarial"] + kept - weights.diversity * terms["diversity"]
            self._descend(total, *(("g", "f", "e") if by == "noise" else ("g",)))
            found |= {f"generator/{by}/{name}": term.detach() for name, term in terms.items()}
        with torch.no_grad():
            for average, network in zip(self.averages, (self.g, self.f, self.e), strict=True):
                for kept_one, new in zip(average.parameters(), network.parameters(), strict=True):
                    kept_one.copy_(torch.lerp(new, kept_one, self.recipe.ema))
        return found

    def style(self, pairing: Pairing, by: str, which: int) -> Tensor:
        if by == "noise":
            return self.f(pairing.noises[which], pairing.given.targets)
        return self.e(pairing.references[which], pairing.given.targets)

    def discriminator_terms(self, pairing: Pairing, by: str) -> Terms:
        x, y, target = pairing.given
        x = x.detach().requires_grad_()
        real = self.d(x, y)
        (gradient,) = torch.autograd.grad(real.sum(), x, create_graph=True)
        with torch.no_grad():
            fake = self.g(x, self.style(pairing, by, 0))
        logits = self.d(fake, target)
        return {
            "real": F.binary_cross_entropy_with_logits(real, torch.ones_like(real)),
            "fake": F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits)),
            "penalty": 0.5 * gradient.square().sum((1, 2, 3)).mean(),
        }

    def generator_terms(self, pairing: Pairing, by: str) -> Terms:
        x, y, target = pairing.given
        style = self.style(pairing, by, 0)
        fake = self.g(x, style)
        logits = self.d(fake, target)
        read_back = self.e(fake, target)
        other = self.g(x, self.style(pairing, by, 1)).detach()
        return {
            "adversarial": F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)),
            "style": (read_back - style).abs().mean(),
            "diversity": (fake - other).abs().mean(),
            "cycle": (self.g(fake, self.e(x, y)) - x).abs().mean(),
        }

    def _descend(self, total: Tensor, *stepping: str) -> None:
        for adam in self.adams.values():
            adam.zero_grad()
        total.backward()
        for name in stepping:
            self.adams[name].step()
