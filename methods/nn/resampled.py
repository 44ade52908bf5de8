"""For training: a 3x3 convolution and the halving after it, or the doubling before it, as one convolution.

The mean of 2x2 outputs of a 3x3 kernel equals one output of a 4x4 kernel, the mean of the small kernel at four shifts.
Likewise, a 3x3 convolution of a map enlarged by nearest sampling equals a transposed convolution with the sum of these
shifts. Each takes 16 multiplications where the two steps take 36, and needs no full-size map in between. The numbers
are the same up to rounding only, so edits, whose bits must not change, use the two steps.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WORTH_IT = 4  # pixels of the batch for each channel; with fewer the larger kernels cost more than smaller maps save


def convolve_and_halve(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A 3x3 convolution with padding 1, then 2x2 average pooling: (N, C, H, W) -> (N, K, H/2, W/2)."""
    if not (conv.training and _large(x)):
        return halve(conv(x))
    weight = F.avg_pool2d(conv.weight, 2, stride=1, padding=1)
    return F.conv2d(x, weight, conv.bias, stride=2, padding=1)


def enlarge_and_convolve(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Doubling by nearest sampling, then a 3x3 convolution with padding 1: (N, C, H, W) -> (N, K, 2H, 2W).

    In bfloat16 on a CPU always in two steps: transposed convolutions are slower there.
    """
    slow = x.device.type == "cpu" and (torch.is_autocast_enabled("cpu") or x.dtype is torch.bfloat16)
    if slow or not (conv.training and _large(x)):
        return conv(F.interpolate(x, scale_factor=2, mode="nearest"))
    weight = F.avg_pool2d(conv.weight.flip(2, 3), 2, stride=1, padding=1, divisor_override=1)
    return F.conv_transpose2d(x, weight.transpose(0, 1), conv.bias, stride=2, padding=1)


def halve(x: Tensor) -> Tensor:
    """2x2 average pooling with stride 2, (N, C, H, W) -> (N, C, H/2, W/2).

    As two strided sums: in bfloat16 on a CPU five times faster than ``F.avg_pool2d``.
    """
    return _Halve.apply(x)  # type: ignore[no-any-return]


class _Halve(torch.autograd.Function):
    """The strided sums. Their gradient is an enlarged map; torch's own would fill a map with zeros for each slice."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rows = x.unflatten(2, (-1, 2))
        columns = (rows[:, :, :, 0] + rows[:, :, :, 1]).unflatten(3, (-1, 2))
        return (columns[..., 0] + columns[..., 1]) * 0.25

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return F.interpolate(gradient * 0.25, scale_factor=2, mode="nearest")


def _large(x: Tensor) -> bool:
    return x.numel() >= _WORTH_IT * x.shape[1] ** 2
