"""StarGAN's losses (paper, equations 2-6, in the Wasserstein form of equation 8 that the official code trains)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.nn.losses import gradient_penalty, l1
from bridgebench.methods.stargan.networks import Discriminator, Generator


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms; the adversarial terms have weight 1. The defaults are the paper's."""

    classification: float = 1.0
    reconstruction: float = 10.0
    penalty: float = 10.0


def classification(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy (equations 2, 3) of logits (N, A) and labels (N, A): SUM over attributes, mean over samples."""
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(logits)


def discriminator_terms(
    discriminator: Discriminator, images: Tensor, labels: Tensor, fake: Tensor, mix: Tensor
) -> dict[str, Tensor]:
    """The loss terms that D minimizes, as unweighted scalars.

    Args:
        discriminator: D.
        images, labels: real images (N, 3, H, W) and their labels (N, A).
        fake: edits (N, 3, H, W), without gradients.
        mix: (N,) in [0, 1], the points between real and fake where the penalty is computed.

    Returns:
        ``real`` -mean D(x), ``fake`` mean D(fake), ``classification`` of real images, ``penalty`` of the gradient.
    """
    # D has no normalization, so one pass over both halves gives the same as two passes.
    realness, logits = discriminator(torch.cat([images, fake]))
    real, edited = realness.chunk(2)
    return {
        "real": -real.mean(),
        "fake": edited.mean(),
        "classification": classification(logits[: len(images)], labels),
        "penalty": gradient_penalty(lambda each: discriminator(each)[0], images, fake, mix, linear_pieces=True),
    }


def generator_terms(
    generator: Generator,
    discriminator: Discriminator,
    images: Tensor,
    labels: Tensor,
    target: Tensor,
    fake: Tensor | None = None,
) -> dict[str, Tensor]:
    """The loss terms that G minimizes, as unweighted scalars.

    Args:
        generator, discriminator: G and D.
        images, labels: real images (N, 3, H, W) and their labels (N, A).
        target: target labels (N, A) of the edits.
        fake: G(images, target) with its graph, if it was computed before; computed here if None.

    Returns:
        ``fake`` -mean D(G(x, target)), ``classification`` of the edits by `target`, ``reconstruction`` mean
        \\|x - G(G(x, target), labels)\\|.
    """
    fake = generator(images, target) if fake is None else fake
    realness, logits = discriminator(fake)
    return {
        "fake": -realness.mean(),
        "classification": classification(logits, target),
        "reconstruction": l1(images, generator(fake, labels)),
    }


def total(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms of either network (equations 5 and 6)."""
    return torch.stack([getattr(weights, name, 1.0) * term for name, term in terms.items()]).sum()
