"""Loss terms that several papers share, as plain functions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor

from bridgebench.methods.nn.linear_pieces import LinearPieces


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference over every element, in float32; a scalar."""
    return (a.float() - b.float()).abs().mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor, *, linear_pieces: bool = False
) -> Tensor:
    """WGAN-GP's penalty (Gulrajani et al., NeurIPS 2017, equation 3), without its weight.

    Args:
        critic: images -> realness scores of any shape; the scores of a sample are summed.
        real, fake: (N, 3, H, W); neither gets a gradient.
        mix: (N,) in [0, 1]: the penalty is taken at ``real + mix * (fake - real)``.
        linear_pieces: True if the critic has only the layers that :mod:`methods.nn.linear_pieces` names: then the same
            number and gradients take less than half of the time.

    Returns:
        Mean over samples of (||gradient||_2 - 1)^2, the norm over all pixels and channels; differentiable with
        respect to the critic's weights. A scalar.
    """
    mix = mix.view(-1, 1, 1, 1)
    between = (real + mix * (fake - real)).detach().requires_grad_()
    with LinearPieces() if linear_pieces else nullcontext():
        scores = critic(between)
    (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    return (gradient.float().flatten(1).norm(2, dim=1) - 1).square().mean()
