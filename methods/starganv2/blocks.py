"""The blocks of StarGAN v2's networks, with the tensor names of the official PyTorch code."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from bridgebench.methods.nn import channels_last
from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.nn.resampled import convolve_and_halve, enlarge_and_convolve, halve
from torch import Tensor, nn

EPSILON = 1e-5


class ResidualBlock(nn.Module):
    """(x + conv(LReLU(IN(pool(conv(LReLU(IN(x))))))) / sqrt(2); channels change in the second convolution.

    Args:
        inputs, outputs: channels.
        norm: with instance norms.
        down: halve the size.
    """

    def __init__(self, inputs: int, outputs: int, *, norm: bool = False, down: bool = False) -> None:
        super().__init__()
        self.down = down
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = InstanceNorm(inputs, epsilon=EPSILON) if norm else nn.Identity()
        self.norm2 = InstanceNorm(inputs, epsilon=EPSILON) if norm else nn.Identity()
        self.conv1x1 = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W), or half of the size."""
        y = _leaky(self.norm1(x))
        y = convolve_and_halve(self.conv1, y) if self.down else self.conv1(y)
        # The 1x1 convolution commutes with average pooling: done on the small map.
        return (self.conv1x1(self._pool(x)) + self.conv2(_leaky(self.norm2(y)))).div_(math.sqrt(2))

    def _pool(self, x: Tensor) -> Tensor:
        return halve(x) if self.down else x


class AdaIN(nn.Module):
    """Instance norm whose scale (1 + gamma) and shift a linear layer reads from the style."""

    def __init__(self, channels: int, style_size: int) -> None:
        super().__init__()
        self.norm = InstanceNorm(channels, affine=False, epsilon=EPSILON)
        self.fc = nn.Linear(style_size, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x (N, channels, H, W) and style (N, style_size) -> the shape of x."""
        gamma, beta = self.fc(style)[:, :, None, None].chunk(2, dim=1)
        if self.training and channels_last.lies_so(x):
            return channels_last.instance_norm(x, 1 + gamma, beta, EPSILON)
        return torch.addcmul(beta, 1 + gamma, self.norm(x))


class StyleBlock(nn.Module):
    """Residual block with AdaIN; channels change in the first convolution.

    Args:
        inputs, outputs: channels.
        style_size: of the style.
        up: double the size (nearest).
        shortcut: add the input and divide by sqrt(2); without it (generators with a high-pass skip) the block is its
            residual alone, and the 1x1 weight that official checkpoints hold nevertheless is not read.
    """

    def __init__(self, inputs: int, outputs: int, style_size: int, *, up: bool = False, shortcut: bool = True) -> None:
        super().__init__()
        self.up, self.shortcut = up, shortcut
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm1 = AdaIN(inputs, style_size)
        self.norm2 = AdaIN(outputs, style_size)
        self.conv1x1 = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x (N, inputs, H, W) and style (N, style_size) -> (N, outputs, H, W), or twice the size."""
        y = _leaky(self.norm1(x, style))
        y = enlarge_and_convolve(self.conv1, y) if self.up else self.conv1(y)
        y = self.conv2(_leaky(self.norm2(y, style)))
        if not self.shortcut:
            return y
        return (y + self._enlarge(self.conv1x1(x))).div_(math.sqrt(2))

    def _enlarge(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.up else x


class HighPass(nn.Module):
    """A 3x3 Laplacian on each channel, divided by `weakening` (official w_hpf): a larger one lets less through."""

    filter: Tensor

    def __init__(self, weakening: float) -> None:
        super().__init__()
        kernel = torch.full((3, 3), -1.0)
        kernel[1, 1] = 8.0
        self.register_buffer("filter", kernel / weakening)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return F.conv2d(x, self.filter.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)
