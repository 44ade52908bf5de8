"""Clipping whose gradients lead back into the range."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def clip_inward(x: Tensor) -> Tensor:
    """x, of any shape, clipped to [-1, 1].

    The gradient is that of x itself, except where x is out of the range and a step against the gradient would lead
    still farther out: there it is 0. (`torch.clamp` has none at all out of the range.)
    """
    return _ClipInward.apply(x)  # type: ignore[no-any-return]


class _ClipInward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        outward = ((x > 1) & (gradient < 0)) | ((x < -1) & (gradient > 0))
        return gradient.masked_fill(outward, 0)
