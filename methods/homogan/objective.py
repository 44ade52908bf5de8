"""HomoGAN's losses: reconstruction of the image, D's judgement of features, guidance by a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.homogan.networks import Discriminator, Interpolator, denormalize
from bridgebench.methods.nn.losses import gradient_penalty
from bridgebench.methods.training.base import FeatureNetwork

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms; the defaults are the official code's.

    Attributes:
        adversarial, classification, interpolation, knowledge: for encoder and interpolator.
        reconstruction, perceptual: for the decoder, and through it for the encoder.
        penalty, d_classification: for the discriminator, relative to its Wasserstein term.
    """

    adversarial: float = 1.0
    classification: float = 1.0
    interpolation: float = 1.0
    knowledge: float = 1.0
    reconstruction: float = 1.0
    perceptual: float = 1.0
    penalty: float = 100.0
    d_classification: float = 1.0


def reconstruction_terms(rebuilt: Tensor, images: Tensor, fine: Tensor, features: FeatureNetwork) -> Terms:
    """``reconstruction`` and ``perceptual``: mean squared errors of the images and of their fine feature maps.

    Args:
        rebuilt, images: normalized (N, 3, H, W).
        fine: the feature network's fine map of the images.
        features: the feature network; it takes images in [-1, 1].
    """
    seen = features.fine(denormalize(rebuilt))
    return {"reconstruction": F.mse_loss(rebuilt, images), "perceptual": F.mse_loss(seen.float(), fine.float())}


def discriminator_terms(
    discriminator: Discriminator,
    real: Tensor,
    fake: Tensor,
    labels: Tensor,
    mix: Tensor,
    classify: Literal["interpolated", "real"],
) -> Terms:
    """The loss terms that D minimizes: ``realness`` (with weight 1), ``penalty`` and ``d_classification``.

    Args:
        discriminator: D.
        real, fake: features of images, and interpolated features (N, C, h, w), both without gradients.
        labels: labels (N, A) of the images, with the columns ordered by group.
        mix: (N,) in [0, 1]: the share of `fake` in the points where the gradient penalty is computed.
        classify: the features from which the attribute heads learn the labels of the images. The official code uses
            the interpolated features, as if these still had the labels of the source; "real" is the usual choice.
    """
    (judged, logits), (judged_fake, logits_fake) = discriminator(real), discriminator(fake)
    seen = logits if classify == "real" else logits_fake
    return {
        "realness": judged_fake.mean() - judged.mean(),
        "penalty": gradient_penalty(lambda features: discriminator(features)[0], real, fake, mix),
        "d_classification": classification(seen, labels),
    }


def knowledge_term(transform: nn.Module, features: Tensor, coarse: Tensor) -> Tensor:
    """Mean squared error of the transformed features to the teacher's coarse map, pooled to the same size."""
    size = (features.shape[2], features.shape[3])
    return F.mse_loss(transform(features).float(), F.adaptive_avg_pool2d(coarse.float(), size))


def encoder_terms(
    discriminator: Discriminator,
    interpolator: Interpolator,
    features: tuple[Tensor, Tensor],
    interpolated: Tensor,
    target: Tensor,
) -> Terms:
    """Loss terms of encoder and interpolator: ``adversarial``, ``classification`` and ``interpolation``.

    Args:
        discriminator: D.
        interpolator: I.
        features: the features of the images and of their references, each (N, C, h, w).
        interpolated: the output of I for these features and some strengths.
        target: labels (N, A) in [0, 1], interpolated between image and reference with the same strengths.
    """
    judged, logits = discriminator(interpolated)
    own, other = (part.detach() for part in features)
    whole = interpolator(own, other, own.new_ones(len(own), len(interpolator.branch)))
    return {
        "adversarial": -judged.mean(),
        "classification": classification(logits, target),
        "interpolation": F.mse_loss(whole, other.float()),
    }


def classification(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of logits (N, A) and labels (N, A): sum over the attributes, mean over the images."""
    return F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="sum") / len(labels)


def total(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of one network's terms."""
    return torch.stack([getattr(weights, name, 1.0) * term for name, term in terms.items()]).sum()
