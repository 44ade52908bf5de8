"""What HomoGAN's losses look at in one iteration: what was drawn for it, and its batch as the networks see it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Draws(NamedTuple):
    """What is random in an iteration on N images.

    Attributes:
        order: (N,) a permutation: image i moves towards image order[i].
        strength: (N, branches) in [0, 1], v.
        mix: (N,) in [0, 1]: where the penalty is taken.
    """

    order: Tensor
    strength: Tensor
    mix: Tensor


class View(NamedTuple):
    """A batch seen by the encoder, the interpolator and the feature network.

    Attributes:
        images: normalized (N, 3, H, W).
        fine, coarse: the feature network's maps of them.
        own, other, between: features (N, C, h, w) of the images, of their references, and interpolated ones.
        labels, target: (N, A), group after group, of the images and of the interpolated features.
        mix: as in `Draws`.
    """

    images: Tensor
    fine: Tensor
    coarse: Tensor
    own: Tensor
    other: Tensor
    between: Tensor
    labels: Tensor
    target: Tensor
    mix: Tensor
