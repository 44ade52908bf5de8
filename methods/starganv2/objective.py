"""StarGAN v2's losses (paper, equations 1-5, with the R1 penalty of the appendix)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.nn.linear_pieces import linearized
from bridgebench.methods.nn.losses import l1
from bridgebench.methods.starganv2.networks import Discriminator, Encoded, Generator, Masks, StyleEncoder

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms; adversarial terms have weight 1. Defaults: the official code's for CelebA-HQ.

    Attributes:
        style, cycle: weights of the terms of these names.
        diversity: weight at the start of training (AFHQ: 2); training lowers it to 0.
        penalty: weight of `penalty`, which is half of the squared gradient norm.
    """

    style: float = 1.0
    diversity: float = 1.0
    cycle: float = 1.0
    penalty: float = 1.0


class Edit(NamedTuple):
    """Edits (N, 3, H, W), and what they were made from: the style codes, the masks and the output of G's encoder."""

    style: Tensor
    masks: Masks | None
    encoded: Encoded
    edited: Tensor


class Conversion(NamedTuple):
    """Images (N, 3, H, W), their domains (N,), and the target domains (N,) of their edits."""

    images: Tensor
    domains: Tensor
    targets: Tensor


def realness(logits: Tensor, real: bool) -> Tensor:
    """Mean cross entropy of D's logits (N,), which should say real (`real`) or fake: a scalar."""
    return F.softplus(-logits if real else logits).mean()


def penalty(gradient: Tensor) -> Tensor:
    """R1: half the squared norm of the gradient (N, 3, H, W) of D's logits by the images, mean over samples; scalar."""
    return 0.5 * gradient.float().square().sum((1, 2, 3)).mean()


def discriminator_terms(
    discriminator: Discriminator, given: Conversion, fake: Tensor, *, penalized: bool = True
) -> Terms:
    """The terms that D minimizes, unweighted scalars.

    Args:
        discriminator: D.
        given: real images, their domains and the target domains.
        fake: the edits (N, 3, H, W), without gradients.
        penalized: also compute the R1 penalty, at the real images.

    Returns:
        ``real``, ``fake``, and with `penalized` also ``penalty``.
    """
    images, domains, targets = given
    if not penalized:
        logits = discriminator(torch.cat([images, fake]), torch.cat([domains, targets]))
        real, edited = logits.chunk(2)
        return {"real": realness(real, True), "fake": realness(edited, False)}
    real, gradient = linearized(lambda each: discriminator(each, domains), images)
    return {
        "real": realness(real, True),
        "fake": realness(discriminator(fake, targets), False),
        "penalty": penalty(gradient),
    }


def generator_terms(
    generator: Generator,
    encoder: StyleEncoder,
    discriminator: Discriminator,
    given: Conversion,
    edit: Edit,
    other_style: Tensor,
    masks_of: Callable[[Tensor], Masks | None],
) -> Terms:
    """The terms that G, F and E minimize, unweighted scalars.

    Args:
        generator, encoder, discriminator: G, E and D.
        given: real images, their domains and the target domains.
        edit: edits of the images, made with styles (N, style_size) of the target domains, with their graph.
        other_style: second styles (N, style_size) of the target domains; they get no gradients.
        masks_of: function from images to masks for the high-pass skip, or to None.

    Returns:
        ``adversarial``, ``style`` (L1 error of the style read back from the edit), ``diversity`` (L1 distance between
        the edits with the two styles: larger is better) and ``cycle``.
    """
    images, domains, targets = given
    fake = edit.edited
    with torch.no_grad():
        other = generator.decode_with(edit.encoded, other_style, edit.masks)
    back = generator(fake, encoder(images, domains), masks_of(fake))
    return {
        "adversarial": realness(discriminator(fake, targets), True),
        "style": l1(encoder(fake, targets), edit.style),
        "diversity": l1(fake, other),
        "cycle": l1(back, images),
    }


def discriminator_total(terms: Terms, weights: LossWeights) -> Tensor:
    """The weighted sum of the terms from `discriminator_terms`."""
    total = terms["real"] + terms["fake"]
    return total + weights.penalty * terms["penalty"] if "penalty" in terms else total


def generator_total(terms: Terms, weights: LossWeights, diversity: float) -> Tensor:
    """The weighted sum of the terms from `generator_terms`; `diversity` is the current weight of the diversity term."""
    kept = weights.style * terms["style"] + weights.cycle * terms["cycle"]
    return terms["adversarial"] + kept - diversity * terms["diversity"]
