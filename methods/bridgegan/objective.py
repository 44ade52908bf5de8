"""BridgeGAN's losses, one function a term (supplement, section on losses; the released code where that is silent).

Paper symbols: images X_s (source), X_r (reference), X_rand, X_ref, X_interp (edits by label, by reference, by the
interpolated code); codes S_rand, S_ref; labels Y_s, Y_t; att_diff = Y_t - Y_s; noise R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.nn.losses import l1
from bridgebench.methods.training.parallel import common_mean


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; each multiplies the average over the images or codes of its term.

    The defaults are the supplement's; it does not state the two weights of the discriminator, which are the code's.
    """

    d_penalty: float = 10.0
    d_classification: float = 1.0
    classification: float = 10.0
    reconstruction: float = 100.0
    cycle: float = 100.0
    closeness: float = 50.0
    keeping: float = 100.0
    mode_seeking: float = 0.005


SUPPLEMENT = LossWeights()
# The released code takes one average over cyc_rand, cyc_ref and ak, with the weight 100 / 2: 50/3 for each of them.
OFFICIAL_CODE = LossWeights(cycle=100 / 3, keeping=50 / 3)


def attribute_difference(target: Tensor, source: Tensor) -> Tensor:
    """att_diff = Y_t - Y_s, (N, n) in {-1, 0, 1}."""
    return target - source


def attribute_keeping_vector(difference: Tensor, source_labels: Tensor) -> Tensor:
    """att_ak = A * B (paper, equation 11), the vector that asks both images for what the edit must keep.

    A = 1 - |att_diff| selects the attributes that stay; B = 1 - 2 Y_s is what att_diff would be if every attribute
    of the source were flipped. The supplement's Fig. 1::

        Y_s      =  1  0  1  0  1  0
        Y_t      =  0  1  1  0  1  0
        att_diff = -1 +1  0  0  0  0
        A        =  0  0  1  1  1  1
        B        = -1 +1 -1 +1 -1 +1
        att_ak   =  0  0 -1 +1 -1 +1

    B is -1 where the source has the attribute, the reverse of how the encoder is asked elsewhere; both images of the
    loss get the same vector, so it is well defined, and it is kept as published.

    >>> y_s, y_t = torch.tensor([1., 0, 1, 0, 1, 0]), torch.tensor([0., 1, 1, 0, 1, 0])
    >>> attribute_keeping_vector(y_t - y_s, y_s).int().tolist()
    [0, 0, -1, 1, -1, 1]
    """
    # "+ 0.0" turns a negative zero into a plain one.
    return (1 - difference.abs()) * (1 - 2 * source_labels) + 0.0


def critic_distance(real: Tensor, fakes: Sequence[Tensor]) -> Tensor:
    """d_gan: minus the difference of the critic's mean score on real images and its average over the fakes."""
    return mean_score(fakes) - real.mean()


def mean_score(fakes: Sequence[Tensor]) -> Tensor:
    """The critic's mean score, averaged over the kinds of fakes; g_gan is its negative."""
    return torch.stack([scores.mean() for scores in fakes]).mean()


def classification(logits: Sequence[Tensor], targets: Tensor) -> Tensor:
    """g_cls (several kinds of edits, averaged) or d_cls (real images alone): mean sigmoid cross entropy.

    Args:
        logits: C's logits (N, n), one tensor for each kind of image.
        targets: (N, n) in {0, 1}.
    """
    return torch.stack([F.binary_cross_entropy_with_logits(each.float(), targets) for each in logits]).mean()


def reconstruction(images: Tensor, rebuilt: Sequence[Tensor]) -> Tensor:
    """g_rec: L1 of X_s and its edits with nothing to change, by label and by reference, averaged."""
    return torch.stack([l1(images, each) for each in rebuilt]).mean()


def cycle(codes: Sequence[Tensor], read_back: Sequence[Tensor]) -> Tensor:
    """cyc_rand and cyc_ref, averaged: L1 of a code and of the one that E reads from the edit made with it.

    The edits are detached by the caller. The common summand E(X_s, -att_diff) of both codes cancels, so either both
    or neither may contain it.
    """
    return torch.stack([l1(code, back) for code, back in zip(codes, read_back, strict=True)]).mean()


def closeness(label_code: Tensor, reference_code: Tensor) -> Tensor:
    """sty: L1 of S_rand and S_ref; again with or without the common summand."""
    return l1(label_code, reference_code)


def keeping(edited_code: Tensor, source_code: Tensor) -> Tensor:
    """ak: L1 of E(X_rand, att_ak) and E(X_s, att_ak); gradient through both, and into G (paper, equation 11)."""
    return l1(edited_code, source_code)


def mode_distances(noise: Tensor, other_noise: Tensor, edited: Tensor, other_edited: Tensor) -> tuple[Tensor, Tensor]:
    """The two means of `mode_seeking`: of noises, and of the edits that they give."""
    return l1(other_noise, noise).detach(), l1(other_edited.detach(), edited)


def mode_seeking(
    noise: Tensor,
    other_noise: Tensor,
    edited: Tensor,
    other_edited: Tensor,
    whole: tuple[Tensor, Tensor] | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """ms: distance of two noises over distance of the edits that they give (after Mao et al., CVPR 2019).

    One ratio for the batch; the gradient flows through `edited` alone.

    Args:
        noise, other_noise: (N, d); `edited`, `other_edited`: (N, 3, H, W), made with them.
        whole: where these are a part of the batch, its two `mode_distances`; the part then has the batch's ratio and
            its own share of the gradient.
        epsilon: added to the distance of the edits.
    """
    noises, distance = mode_distances(noise, other_noise, edited, other_edited)
    if whole is None:
        return common_mean(noises) / (common_mean(distance) + epsilon)
    return whole[0] / (whole[1] + distance - distance.detach() + epsilon)


def memory_step(noise: Tensor, gradient: Tensor, sign: int = 1) -> Tensor:
    """One step of the noise memory: where rows R of the memory move, clipped to [-1, 1].

    step = (0.9 / rms + 5) * gradient, rms the root mean square of a row's gradient: its first part has a size of 0.9
    whatever the gradient's. The released code adds it (sign +1), which *ascends* the matching loss; a matching loss
    suggests descent (sign -1), and the supplement is silent.

    Args:
        noise: (N, d) rows of the memory.
        gradient: (N, d), the gradient of mean (E(X_r, att_diff) - M(noise, att_diff))^2 with respect to the rows.
        sign: +1 (as released, the default) or -1.

    Returns:
        (N, d) in [-1, 1].
    """
    # 1e-12 guards a row of zero gradient, where the released code would give NaN.
    rms = gradient.square().mean(dim=1, keepdim=True).sqrt() + 1e-12
    return (noise + sign * (0.9 / rms + 5.0) * gradient).clamp(-1, 1)
