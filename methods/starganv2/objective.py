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
    """Weights of the terms; the adversarial ones have 1. Defaults: the official code's for CelebA-HQ.

    Attributes:
        style, cycle: of these terms.
        diversity: at the start (AFHQ: 2); training lowers it to 0.
        penalty: of `penalty`, which is half of the squared gradient.
    """

    style: float = 1.0
    diversity: float = 1.0
    cycle: float = 1.0
    penalty: float = 1.0


class Edit(NamedTuple):
    """Edits (N, 3, H, W), and what they were made of: style, masks, what the generator's first half gave."""

    style: Tensor
    masks: Masks | None
    encoded: Encoded
    edited: Tensor


class Conversion(NamedTuple):
    """Images (N, 3, H, W), their domains (N,), and the domains (N,) that they are edited towards."""

    images: Tensor
    domains: Tensor
    targets: Tensor


def realness(logits: Tensor, real: bool) -> Tensor:
    """Cross entropy of logits (N,) that should say real, or not."""
    return F.softplus(-logits if real else logits).mean()


def penalty(gradient: Tensor) -> Tensor:
    """R1: half the mean over samples of the squared gradient (N, 3, H, W) of D's logits by the images, a scalar."""
    return 0.5 * gradient.float().square().sum((1, 2, 3)).mean()


def discriminator_terms(
    discriminator: Discriminator, given: Conversion, fake: Tensor, *, penalized: bool = True
) -> Terms:
    """The terms that D minimizes, unweighted scalars.

    Args:
        discriminator: D.
        given: real images and where they are edited to.
        fake: the edits (N, 3, H, W), without gradients.
        penalized: with R1, at the real images.

    Returns:
        ``real``, ``fake``, and ``penalty`` if asked for.
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
        given: real images and where they are edited to.
        edit: of the images, by a style (N, style_size) of the target domains, with its graph.
        other_style: a second one, which gets no gradients.
        masks_of: images -> masks for the high-pass skip, or None.

    Returns:
        ``adversarial``, ``style`` (the style read back from the edit), ``diversity`` (how far the edits by the two
        styles differ: more is better) and ``cycle``.
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
    """The weighted sum of what `discriminator_terms` gives."""
    total = terms["real"] + terms["fake"]
    return total + weights.penalty * terms["penalty"] if "penalty" in terms else total


def generator_total(terms: Terms, weights: LossWeights, diversity: float) -> Tensor:
    """The weighted sum of what `generator_terms` gives; `diversity` is that term's weight by now."""
    kept = weights.style * terms["style"] + weights.cycle * terms["cycle"]
    return terms["adversarial"] + kept - diversity * terms["diversity"]
