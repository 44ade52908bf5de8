"""Fast convolutions with large kernels to a few channels, or from a few channels, for training on a CPU.

A vector unit computes 16 channels at a time, so that the three channels of an image cost as much as sixteen. Here a KxK
convolution to three channels is computed as a 1xK convolution to 3K channels, whose maps are shifted by rows and added.
The gradient with respect to its kernel is computed like that of a convolution *from* three channels, which is fast. The
numbers are the same up to rounding. Edits do not use these functions, because their bytes must not change.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_weight

from bridgebench.methods.nn import channels_last


class ConvToFew(nn.Conv2d):
    """A convolution without bias to a few channels, with stride 1 and padding that keeps the size of the maps.

    Args:
        inputs, outputs: numbers of channels.
        kernel: the side of the kernel, odd.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return convolve_to_few(input, self.weight) if self.training else super().forward(input)


def convolve_to_few(x: Tensor, weight: Tensor) -> Tensor:
    """The convolution (N, C, H, W) -> (N, K, H, W) by an odd kernel (K, C, k, k), zero-padded; torch's on a GPU."""
    if not channels_last.lies_so(x):
        return F.conv2d(x, weight, padding=weight.shape[2] // 2)
    return _ToFew.apply(*_as_autocast(x, weight))  # type: ignore[no-any-return]


def convolve_few(x: Tensor, weight: Tensor) -> Tensor:
    """The convolution of a few channels (N, C, H, W) with an odd kernel (K, C, k, k), zero-padded -> (N, K, H, W).

    The forward pass is torch's own; only the gradient with respect to x is computed in another way.
    """
    if x.device.type != "cpu":
        return F.conv2d(x, weight, padding=weight.shape[2] // 2)
    return _FromFew.apply(*_as_autocast(x, weight))  # type: ignore[no-any-return]


class _ToFew(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _by_rows(x, weight)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        gradient, turned = gradient.contiguous(memory_format=torch.channels_last), _turned(weight)
        by_x = F.conv2d(gradient, turned, padding=weight.shape[2] // 2) if ctx.needs_input_grad[0] else None
        by_weight = conv2d_weight(gradient, turned.shape, x, padding=weight.shape[2] // 2)
        return by_x, _turned(by_weight)


class _FromFew(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding=weight.shape[2] // 2)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        by_x = _by_rows(gradient, _turned(weight)) if ctx.needs_input_grad[0] else None
        return by_x, conv2d_weight(x, weight.shape, gradient, padding=weight.shape[2] // 2)


def _by_rows(x: Tensor, weight: Tensor) -> Tensor:
    """The convolution with a kernel (K, C, k, k): with each of its rows, then the sum of the shifted results."""
    few, channels, side, _ = weight.shape
    rows = weight.transpose(1, 2).transpose(0, 1).reshape(side * few, channels, 1, side)
    found = F.conv2d(x, rows.contiguous(memory_format=torch.channels_last), padding=(0, side // 2))
    by_row, height = found.unflatten(1, (side, few)), x.shape[2]
    total = by_row[:, side // 2].contiguous(memory_format=torch.channels_last)
    for row in range(side):
        below = row - side // 2  # this row of the kernel reads so many rows below
        if below and abs(below) < height:
            first, end = max(0, -below), min(height, height - below)
            total[:, :, first:end] += by_row[:, row, :, first + below : end + below]
    return total


def _turned(weight: Tensor) -> Tensor:
    """(K, C, k, k) -> (C, K, k, k): the kernel of the transposed convolution, for gradients."""
    return weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)


def _as_autocast(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both tensors in the dtype that autocast would use for a convolution, if it is on."""
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    return x.to(dtype), weight.to(dtype)
