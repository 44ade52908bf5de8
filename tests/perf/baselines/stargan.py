"""One StarGAN iteration written straight from its equations, with the layers and the Adam of the official code."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.norms import official_norms
from bridgebench.methods.stargan.training import StarGANTraining

Terms = dict[str, Tensor]


class Step:
    """The updates of D and of G, on a copy of a training's networks."""

    def __init__(self, training: StarGANTraining) -> None:
        self.generator = official_norms(training.editor.generator)
        self.generator.first = self._first  # type: ignore[method-assign]
        self.discriminator = official_norms(training.discriminator)
        self.weights, rate, betas = training.recipe.weights, training.recipe.learning_rate, training.recipe.betas
        self.adam_g = torch.optim.Adam(self.generator.parameters(), rate, betas)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), rate, betas)

    def iteration(self, images: Tensor, labels: Tensor, target: Tensor, mix: Tensor, *, both: bool) -> Terms:
        """One update of D and, if `both`, one of G. Returns the terms by the names of our logs."""
        terms = self.discriminator_terms(images, labels, target, mix)
        self._descend(terms, self.adam_d)
        found = {f"discriminator/{name}": term.detach() for name, term in terms.items()}
        if both:
            terms = self.generator_terms(images, labels, target)
            self._descend(terms, self.adam_g)
            found |= {f"generator/{name}": term.detach() for name, term in terms.items()}
        return found

    def discriminator_terms(self, images: Tensor, labels: Tensor, target: Tensor, mix: Tensor) -> Terms:
        realness, logits = self.discriminator(images)
        fake = self.generator(images, target).detach()
        mix = mix.view(-1, 1, 1, 1)
        between = (images + mix * (fake - images)).requires_grad_()
        score = self.discriminator(between)[0]
        (gradient,) = torch.autograd.grad(score, between, torch.ones_like(score), create_graph=True)
        return {
            "real": -realness.mean(),
            "fake": self.discriminator(fake)[0].mean(),
            "classification": F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(logits),
            "penalty": (gradient.flatten(1).norm(2, dim=1) - 1).square().mean(),
        }

    def generator_terms(self, images: Tensor, labels: Tensor, target: Tensor) -> Terms:
        fake = self.generator(images, target)
        realness, logits = self.discriminator(fake)
        return {
            "fake": -realness.mean(),
            "classification": F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(logits),
            "reconstruction": (images - self.generator(fake, labels)).abs().mean(),
        }

    def _first(self, images: Tensor, labels: Tensor) -> Tensor:
        maps = labels[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return self.generator.main[0](torch.cat([images, maps], dim=1))  # type: ignore[no-any-return]

    def _descend(self, terms: Terms, optimizer: torch.optim.Optimizer) -> None:
        self.adam_d.zero_grad()
        self.adam_g.zero_grad()
        weights = self.weights
        sum(getattr(weights, name, 1.0) * term for name, term in terms.items()).backward()  # type: ignore[union-attr]
        optimizer.step()
