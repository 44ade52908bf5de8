"""ELEGANT's losses: rebuild both images, and fool two discriminators that see the labels too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.elegant.networks import Discriminator

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; D1's has 1. Defaults: the official code's.

    Attributes:
        reconstruction: of the reconstruction, against D1's adversarial term.
        coarse: of D2, which sees half the side, in the losses of both sides.
    """

    reconstruction: float = 5.0
    coarse: float = 0.5


def exchanged_labels(labels: Tensor, attribute: int) -> Tensor:
    """Labels (2N, A) of the images A, B, one after the other -> those of the results, column `attribute` exchanged."""
    labels = labels.clone()
    labels[:, attribute] = labels[:, attribute].roll(len(labels) // 2)
    return labels


def discriminator_terms(
    discriminators: Sequence[Discriminator], images: Tensor, labels: Tensor, edits: Tensor, edit_labels: Tensor
) -> Terms:
    """The terms of D1 and D2, unweighted scalars ``d1`` and ``d2``: cross entropy over A, B (real) and C, D (not).

    Args:
        discriminators: D1 and D2.
        images, labels: A and B, one after the other: (2N, 3, H, W) and (2N, n).
        edits, edit_labels: C and D likewise, without gradients.
    """
    both, both_labels = torch.cat([images, edits]), torch.cat([labels, edit_labels])
    real = torch.ones(len(both), 1, device=images.device)
    real[len(images) :] = 0
    # No batch statistics: one pass for all. A mean over four batches of N, times 4, is the sum of the four means.
    return {
        f"d{k}": 4 * F.binary_cross_entropy_with_logits(discriminator(both, both_labels), real)
        for k, discriminator in enumerate(discriminators, 1)
    }


def generator_terms(
    discriminators: Sequence[Discriminator], images: Tensor, rebuilt: Tensor, edits: Tensor, edit_labels: Tensor
) -> Terms:
    """The terms of Enc and Dec, unweighted scalars ``reconstruction``, ``adv1`` and ``adv2``.

    Args:
        discriminators: D1 and D2.
        images, rebuilt: A, B and A', B' (2N, 3, H, W).
        edits, edit_labels: C, D and their labels.
    """
    terms = {"reconstruction": 2 * F.mse_loss(rebuilt.float(), images)}
    for k, discriminator in enumerate(discriminators, 1):
        logits = discriminator(edits, edit_labels)
        terms[f"adv{k}"] = 2 * F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    return terms


def discriminator_total(terms: Terms, weights: LossWeights) -> Tensor:
    """(L_D1 + 0.5 L_D2) / 4."""
    return (terms["d1"] + weights.coarse * terms["d2"]) / 4


def generator_total(terms: Terms, weights: LossWeights) -> Tensor:
    """5 rec + adv_1 + 0.5 adv_2."""
    return weights.reconstruction * terms["reconstruction"] + terms["adv1"] + weights.coarse * terms["adv2"]
