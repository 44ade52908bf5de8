"""STGAN's losses (paper, equations 11-16, with the means and weights of the released code)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.nn.losses import gradient_penalty, l1
from bridgebench.methods.stgan.networks import Discriminator, Generator


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms; adversarial terms have weight 1. Defaults: the official code's."""

    classification: float = 10.0
    reconstruction: float = 100.0
    discriminator_classification: float = 1.0
    penalty: float = 10.0

    def discriminator_total(self, terms: dict[str, Tensor]) -> Tensor:
        """The total that D minimizes: the weighted sum of `discriminator_terms`."""
        classification = self.discriminator_classification * terms["classification"]
        return terms["real"] + terms["fake"] + classification + self.penalty * terms["penalty"]

    def generator_total(self, terms: dict[str, Tensor]) -> Tensor:
        """The total that G minimizes: the weighted sum of `generator_terms`."""
        classification = self.classification * terms["classification"]
        return terms["fake"] + classification + self.reconstruction * terms["reconstruction"]


def discriminator_terms(
    discriminator: Discriminator, images: Tensor, labels: Tensor, fake: Tensor, mix: Tensor
) -> dict[str, Tensor]:
    """The terms that D minimizes, unweighted scalars.

    Args:
        discriminator: D.
        images, labels: real images (N, 3, H, W) and their labels (N, A).
        fake: edits (N, 3, H, W), without gradients.
        mix: (N,) in [0, 1]: the points between real and fake images where the penalty is computed.

    Returns:
        ``real``: -mean D(x); ``fake``: mean D(edit); ``classification``: cross entropy of the real images (mean over
        samples and attributes); ``penalty``: gradient penalty of the critic.
    """
    # D normalizes each image separately, so one pass over both halves gives the same as two passes.
    values, logits = discriminator(torch.cat([images, fake]))
    real, edited = values.chunk(2)
    return {
        "real": -real.mean(),
        "fake": edited.mean(),
        "classification": F.binary_cross_entropy_with_logits(logits[: len(images)], labels),
        "penalty": gradient_penalty(lambda between: discriminator(between)[0], images, fake, mix),
    }


def generator_terms(
    generator: Generator, discriminator: Discriminator, images: Tensor, labels: Tensor, target: Tensor
) -> dict[str, Tensor]:
    """The terms that G minimizes, unweighted scalars.

    Args:
        generator, discriminator: G and D.
        images, labels: real images (N, 3, H, W) and their labels (N, A).
        target: labels (N, A) to edit towards.

    Returns:
        ``fake``: -mean D(edit); ``classification``: cross entropy of the edits against `target` (mean over samples and
        attributes); ``reconstruction``: mean absolute error of the edit with a label difference of zero.
    """
    encoded = generator.encoder(images)
    # Two passes, in this order, because batch norm must see edits and reconstructions as two batches.
    edits = generator.decode(encoded, target - labels)
    rebuilt = generator.decode(encoded, torch.zeros_like(labels))
    values, logits = discriminator(edits)
    return {
        "fake": -values.mean(),
        "classification": F.binary_cross_entropy_with_logits(logits, target),
        "reconstruction": l1(images, rebuilt),
    }
