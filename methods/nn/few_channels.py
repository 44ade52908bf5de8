"""Convolutions of wide kernels to a few channels, or from a few, on a CPU, for training.

A vector unit computes 16 channels at a time, so that an image's three cost what sixteen do. Here a KxK convolution to
three channels is one of 1xK to 3K channels, whose maps are added up, each shifted by its rows; and the gradient by its
kernel is taken as that of a convolution *from* three channels, of which there is a fast one. The same numbers up to
rounding; editing, whose bytes shall stay, does not come here.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from bridgebench.methods.nn import channels_last
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_weight


class ConvToFew(nn.Conv2d):
    """A convolution without bias to a few channels, of stride 1, whose odd kernel leaves the maps as large as they are.

    Args:
        inputs, outputs: channels.
        kernel: its side.
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
    """The convolution of a few channels (N, C, H, W) by an odd kernel (K, C, k, k), zero-padded -> (N, K, H, W).

    Forward it is torch's own; what is special is its gradient by x.
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
    """The convolution by a kernel (K, C, k, k): by each of its rows, then the sum of the shifted results."""
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
    """(K, C, k, k) -> (C, K, k, k): the kernel that leads a gradient back."""
    return weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)


def _as_autocast(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the precision in which autocast, where it is on, would convolve them."""
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    return x.to(dtype), weight.to(dtype)
