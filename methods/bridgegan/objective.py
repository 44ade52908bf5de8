"""BridgeGAN's losses, one function for each term (supplement, section on losses; else the released code).

Symbols of the paper: images X_s (source), X_r (reference), X_rand, X_ref, X_interp (edits by label, by reference, by
the interpolated code); codes S_rand, S_ref; labels Y_s (source), Y_t (target); att_diff = Y_t - Y_s; noise R.
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
    """Weights of the loss terms; each multiplies its term's average over images or codes.

    The defaults come from the supplement. It does not state the discriminator's two weights; these come from the code.
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
# The released code gives the average of cyc_rand, cyc_ref and ak the weight 100 / 2, so each of them weighs 50/3.
OFFICIAL_CODE = LossWeights(cycle=100 / 3, keeping=50 / 3)


def attribute_difference(target: Tensor, source: Tensor) -> Tensor:
    """att_diff = Y_t - Y_s, (N, n) in {-1, 0, 1}."""
    return target - source


def attribute_keeping_vector(difference: Tensor, source_labels: Tensor) -> Tensor:
    """att_ak = A * B (paper, equation 11): asks E for the attributes that the edit must keep, in both images.

    A = 1 - |att_diff| selects the attributes that stay. B = 1 - 2 Y_s is what att_diff would be if the edit flipped
    every attribute of the source. The example of the supplement's Fig. 1::

        Y_s      =  1  0  1  0  1  0
        Y_t      =  0  1  1  0  1  0
        att_diff = -1 +1  0  0  0  0
        A        =  0  0  1  1  1  1
        B        = -1 +1 -1 +1 -1 +1
        att_ak   =  0  0 -1 +1 -1 +1

    B is -1 where the source has the attribute. Elsewhere the encoder gets the opposite sign. The loss is still well
    defined, because both of its images get the same vector, so the vector is kept as published.

    >>> y_s, y_t = torch.tensor([1., 0, 1, 0, 1, 0]), torch.tensor([0., 1, 1, 0, 1, 0])
    >>> attribute_keeping_vector(y_t - y_s, y_s).int().tolist()
    [0, 0, -1, 1, -1, 1]
    """
    # "+ 0.0" turns a negative zero into a plain one.
    return (1 - difference.abs()) * (1 - 2 * source_labels) + 0.0


def critic_distance(real: Tensor, fakes: Sequence[Tensor]) -> Tensor:
    """d_gan: the critic's mean score on the fakes (see `mean_score`) minus its mean score on the real images."""
    return mean_score(fakes) - real.mean()


def mean_score(fakes: Sequence[Tensor]) -> Tensor:
    """The critic's mean score on fakes, averaged over the kinds of edits; g_gan is its negative."""
    return torch.stack([scores.mean() for scores in fakes]).mean()


def classification(logits: Sequence[Tensor], targets: Tensor) -> Tensor:
    """g_cls (average over several kinds of edits) or d_cls (real images only): mean sigmoid cross entropy.

    Args:
        logits: C's logits (N, n), one tensor for each kind of image.
        targets: (N, n) in {0, 1}.
    """
    return torch.stack([F.binary_cross_entropy_with_logits(each.float(), targets) for each in logits]).mean()


def reconstruction(images: Tensor, rebuilt: Sequence[Tensor]) -> Tensor:
    """g_rec: L1 distance of X_s to its edits that change nothing, averaged over label and reference edits."""
    return torch.stack([l1(images, each) for each in rebuilt]).mean()


def cycle(codes: Sequence[Tensor], read_back: Sequence[Tensor]) -> Tensor:
    """The average of cyc_rand and cyc_ref: L1 distance of a code to the code that E reads from its edit.

    The caller detaches the edits. The summand E(X_s, -att_diff) cancels, so either both codes contain it or neither
    does.
    """
    return torch.stack([l1(code, back) for code, back in zip(codes, read_back, strict=True)]).mean()


def closeness(label_code: Tensor, reference_code: Tensor) -> Tensor:
    """sty: L1 distance of S_rand and S_ref; again both codes contain the summand E(X_s, -att_diff) or neither does."""
    return l1(label_code, reference_code)


def keeping(edited_code: Tensor, source_code: Tensor) -> Tensor:
    """ak: L1 distance of E(X_rand, att_ak) and E(X_s, att_ak), with gradients to both and to G (paper, equation 11)."""
    return l1(edited_code, source_code)


def mode_distances(noise: Tensor, other_noise: Tensor, edited: Tensor, other_edited: Tensor) -> tuple[Tensor, Tensor]:
    """The two L1 distances in `mode_seeking`: of the two noises, and of the edits made with them."""
    return l1(other_noise, noise).detach(), l1(other_edited.detach(), edited)


def mode_seeking(
    noise: Tensor,
    other_noise: Tensor,
    edited: Tensor,
    other_edited: Tensor,
    whole: tuple[Tensor, Tensor] | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """ms: the distance of two noises divided by the distance of their edits (after Mao et al., CVPR 2019).

    There is one ratio for the whole batch. The gradient flows through `edited` only.

    Args:
        noise, other_noise: (N, d); `edited`, `other_edited`: (N, 3, H, W), made with them.
        whole: the two `mode_distances` of the batch, if the arguments are only a part of it; the part then has the
            ratio of the batch and its own share of the gradient.
        epsilon: added to the distance of the edits.
    """
    noises, distance = mode_distances(noise, other_noise, edited, other_edited)
    if whole is None:
        return common_mean(noises) / (common_mean(distance) + epsilon)
    return whole[0] / (whole[1] + distance - distance.detach() + epsilon)


def memory_step(noise: Tensor, gradient: Tensor, sign: int = 1) -> Tensor:
    """The rows R of the noise memory after one step, clipped to [-1, 1].

    step = (0.9 / rms + 5) * gradient, where rms is the root mean square of a row's gradient. So the first part of the
    step has size 0.9 for any gradient. The released code adds the step (sign +1), which *ascends* the matching loss.
    The idea of a matching loss suggests descent (sign -1); the supplement does not say.

    Args:
        noise: (N, d) rows of the memory.
        gradient: (N, d), the gradient of mean (E(X_r, att_diff) - M(noise, att_diff))^2 with respect to the rows.
        sign: +1 (as released, the default) or -1.

    Returns:
        (N, d) in [-1, 1].
    """
    # 1e-12 protects a row whose gradient is zero; the released code would give NaN there.
    rms = gradient.square().mean(dim=1, keepdim=True).sqrt() + 1e-12
    return (noise + sign * (0.9 / rms + 5.0) * gradient).clamp(-1, 1)
