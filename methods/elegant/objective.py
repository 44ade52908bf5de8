"""ELEGANT's losses: reconstruct both images, and fool two discriminators that also see the labels."""

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
    """Weights of the loss terms; D1's term has weight 1. The defaults are the official code's.

    Attributes:
        reconstruction: weight of the reconstruction, relative to D1's adversarial term.
        coarse: weight of D2, which sees images at half the side, in the losses of generator and discriminators.
    """

    reconstruction: float = 5.0
    coarse: float = 0.5


def exchanged_labels(labels: Tensor, attribute: int) -> Tensor:
    """Labels (2N, A) of the images A, then B -> labels of the edits C, D: the column `attribute` is exchanged."""
    labels = labels.clone()
    labels[:, attribute] = labels[:, attribute].roll(len(labels) // 2)
    return labels


def discriminator_terms(
    discriminators: Sequence[Discriminator], images: Tensor, labels: Tensor, edits: Tensor, edit_labels: Tensor
) -> Terms:
    """The loss terms of D1 and D2, unweighted scalars ``d1``, ``d2``: cross entropy on A, B (real) and C, D (fake).

    Args:
        discriminators: D1 and D2.
        images, labels: images A, then B (2N, 3, H, W), and their labels (2N, n).
        edits, edit_labels: edits C, then D, without gradients, and their labels; the same shapes.
    """
    both, both_labels = torch.cat([images, edits]), torch.cat([labels, edit_labels])
    real = torch.ones(len(both), 1, device=images.device)
    real[len(images) :] = 0
    # D has no batch statistics, so one pass serves all. The sum of four means over N is 4 times the mean over 4 N.
    return {
        f"d{k}": 4 * F.binary_cross_entropy_with_logits(discriminator(both, both_labels), real)
        for k, discriminator in enumerate(discriminators, 1)
    }


def generator_terms(
    discriminators: Sequence[Discriminator], images: Tensor, rebuilt: Tensor, edits: Tensor, edit_labels: Tensor
) -> Terms:
    """The loss terms of Enc and Dec, unweighted scalars ``reconstruction``, ``adv1`` and ``adv2``.

    Args:
        discriminators: D1 and D2.
        images, rebuilt: images A, B and their reconstructions A', B', each (2N, 3, H, W).
        edits, edit_labels: edits C, D and their labels.
    """
    terms = {"reconstruction": 2 * F.mse_loss(rebuilt.float(), images)}
    for k, discriminator in enumerate(discriminators, 1):
        logits = discriminator(edits, edit_labels)
        terms[f"adv{k}"] = 2 * F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    return terms


def discriminator_total(terms: Terms, weights: LossWeights) -> Tensor:
    """(L_D1 + coarse * L_D2) / 4; the default of coarse is 0.5."""
    return (terms["d1"] + weights.coarse * terms["d2"]) / 4


def generator_total(terms: Terms, weights: LossWeights) -> Tensor:
    """reconstruction * rec + adv_1 + coarse * adv_2; with the default weights 5 rec + adv_1 + 0.5 adv_2."""
    return weights.reconstruction * terms["reconstruction"] + terms["adv1"] + weights.coarse * terms["adv2"]
