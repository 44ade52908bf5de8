"""SMIT's losses, as the official training code computes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.nn.losses import l1
from bridgebench.methods.smit.networks import Discriminator, Generator, blend
from bridgebench.methods.training.parallel import common_mean, processes


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms; adversarial terms have weight 1. Defaults: the official code's for CelebA."""

    classification: float = 1.0
    reconstruction: float = 10.0
    identity: float = 10.0
    mask: float = 0.1
    smoothness: float = 1e-5


def relativistic_hinge(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Relativistic average hinge loss: the mean of its two halves at each scale, summed over scales; a scalar.

    Args:
        real: realness maps that should lie 1 above the mean of `fake`.
        fake: realness maps that should lie 1 below the mean of `real`.
    """
    terms = [
        F.relu(1 - (above - _mean(below))).mean() + F.relu(1 + (below - _mean(above))).mean()
        for above, below in zip(real, fake, strict=True)
    ]
    return 0.5 * torch.stack(terms).sum()


def _mean(realness: Tensor) -> Tensor:
    return common_mean(realness.mean())


def classification(logits: list[Tensor], labels: Tensor) -> Tensor:
    """Cross entropy against labels (N, A): SUM over attributes and scales, mean over samples."""
    terms = [F.binary_cross_entropy_with_logits(scale, labels, reduction="sum") for scale in logits]
    return torch.stack(terms).sum() / len(labels)


def variation(mask: Tensor) -> Tensor:
    """Total variation of a mask (N, 1, H, W): SUM over batch and pixels of absolute differences of neighbours."""
    return processes() * (mask.diff(dim=2).abs().sum() + mask.diff(dim=3).abs().sum())


def discriminator_terms(
    discriminator: Discriminator, images: Tensor, labels: Tensor, fake: Tensor
) -> dict[str, Tensor]:
    """The terms that D minimizes, unweighted scalars.

    Args:
        discriminator: D; it is called twice, first with the real images (each call advances its power iteration).
        images, labels: real images (N, 3, H, W) and their labels (N, A).
        fake: edits (N, 3, H, W), without gradients.

    Returns:
        ``realness``, and ``classification`` of the real images.
    """
    real_maps, logits = discriminator(images)
    fake_maps, _ = discriminator(fake)
    return {
        "realness": relativistic_hinge(real_maps, fake_maps),
        "classification": classification(logits, labels),
    }


def generator_terms(
    generator: Generator, discriminator: Discriminator, images: Tensor, labels: Tensor, target: Tensor, noise: Tensor
) -> dict[str, Tensor]:
    """The terms that G minimizes, unweighted scalars.

    Args:
        generator, discriminator: G and D; D is called twice, first with the edits.
        images, labels: real images (N, 3, H, W) and their labels (N, A).
        target: labels (N, A) to edit towards.
        noise: (3, N, noise_size): the styles of the edit, of the edit back, and of the edit to the image's own labels.

    Returns:
        ``realness`` of the edits against the real images, ``classification`` of the edits as `target`,
        ``reconstruction`` of the image by the edit back, ``identity``: error of the edit to the image's own labels,
        ``mask``: sum of the mean masks of edit and edit back, and ``smoothness`` of these masks.
    """
    there, back, same = noise
    # The edit and the identity edit start from the same image, so it is encoded once; both are decoded in one pass.
    code = generator.embed(torch.cat([there, same]), torch.cat([target, labels]))
    pixels, masks = generator.decode(generator.encode(images).repeat(2, 1, 1, 1), code)
    edited, identity = blend(images.repeat(2, 1, 1, 1), pixels, masks).chunk(2)
    mask = masks[: len(images)]
    restored, mask_back = generator(edited, generator.embed(back, labels))
    fake_maps, logits = discriminator(edited)
    with torch.no_grad():
        real_maps, _ = discriminator(images)
    return {
        "realness": relativistic_hinge(fake_maps, real_maps),
        "classification": classification(logits, target),
        "reconstruction": l1(restored, images),
        "identity": l1(identity, images),
        "mask": mask_back.mean() + mask.mean(),
        "smoothness": variation(mask_back) + variation(mask),
    }


def total(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms of one network (D or G)."""
    return torch.stack([getattr(weights, name, 1.0) * term for name, term in terms.items()]).sum()
