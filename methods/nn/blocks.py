"""Building blocks that several methods share: instance norm, SPADE, the pre-activation residual block.

If a block differs between official codes in a detail (epsilon, order, place of the upsampling), the method that needs
the difference has a block of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.nn import channels_last
from bridgebench.methods.nn.resampled import convolve_and_halve, enlarge_and_convolve, halve

Resample = Literal["up", "down"] | None
Activation = Callable[[Tensor], Tensor]


class InstanceNorm(nn.Module):
    """Instance norm over H and W with biased variance and no running statistics.

    Computed as group norm with one channel a group: the same numbers, and in bfloat16 on a CPU several times faster
    than ``nn.InstanceNorm2d``. In training on channels-last maps, :mod:`methods.nn.channels_last` computes it.

    Args:
        channels: number of channels C.
        affine: learn a scale and a shift for each channel.
        epsilon: added to the variance (1e-6 in TensorFlow's layers, 1e-5 in PyTorch's).
    """

    def __init__(self, channels: int, *, affine: bool = True, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.channels, self.epsilon = channels, epsilon
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if self.training and channels_last.lies_so(x):
            scale, shift = (None if each is None else each.view(1, -1, 1, 1) for each in (self.weight, self.bias))
            return channels_last.instance_norm(x, scale, shift, self.epsilon)
        return F.group_norm(x, self.channels, self.weight, self.bias, self.epsilon)


class Spade(nn.Module):
    """Spatially adaptive normalization (Park et al., CVPR 2019): a code map gives scale and shift of every pixel.

    Args:
        channels: channels C of the map that is normalized.
        code_channels: channels of the code map.
        hidden: channels between the code and its scale and shift (128 in the paper).
    """

    def __init__(self, channels: int, code_channels: int, hidden: int = 128) -> None:
        super().__init__()
        self.norm = InstanceNorm(channels, affine=False)
        self.shared = nn.Conv2d(code_channels, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Normalizes x (N, C, H, W) by a code (N, K, h, w), resized to x's size by nearest (top-left) sampling."""
        hidden = F.relu(self.shared(F.interpolate(code, size=x.shape[2:], mode="nearest")))
        # One convolution for both halves: one pass over the hidden map instead of two.
        weight = torch.cat([self.gamma.weight, self.beta.weight])
        bias = torch.cat([conv.bias for conv in (self.gamma, self.beta) if conv.bias is not None])
        gamma, beta = F.conv2d(hidden, weight, bias, padding=1).chunk(2, dim=1)
        return torch.addcmul(beta, self.norm(x), 1 + gamma)


class PreActivationBlock(nn.Module):
    """Pre-activation residual block: norm, activation, convolution, twice; resampled where asked.

    Main path: n1 -> act -> [up x2] -> conv3x3 -> n2 -> act -> conv3x3 -> [average pool]. Shortcut: identity, or a
    1x1 convolution of the raw input (upsampled before it, pooled after it) when channels or size change.

    Args:
        inputs, outputs: channels.
        resample: ``"up"`` (nearest), ``"down"`` (average pooling) or None.
        norm: makes a norm for a number of channels; None: no norm at all. A norm that takes a code (SPADE) gets the
            one given to ``forward``.
        activation: e.g. ``F.relu``.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        resample: Resample = None,
        norm: Callable[[int], nn.Module] | None,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.resample, self.activation = resample, activation
        self.norm1 = norm(inputs) if norm else None
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = norm(outputs) if norm else None
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if resample or inputs != outputs else None

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H', W'); `code` goes to norms that take one."""
        y = self.activation(_normalize(self.norm1, x, code))
        y = enlarge_and_convolve(self.conv1, y) if self.resample == "up" else self.conv1(y)
        y = self.activation(_normalize(self.norm2, y, code))
        y = convolve_and_halve(self.conv2, y) if self.resample == "down" else self.conv2(y)
        return y + self._short(x)

    def _short(self, x: Tensor) -> Tensor:
        if self.shortcut is None:
            return x
        # A 1x1 convolution commutes with nearest upsampling and with average pooling: done on the small map.
        if self.resample == "up":
            return F.interpolate(self.shortcut(x), scale_factor=2, mode="nearest")
        return self.shortcut(halve(x) if self.resample == "down" else x)


def _normalize(norm: nn.Module | None, x: Tensor, code: Tensor | None) -> Tensor:
    if norm is None:
        return x
    return norm(x, code) if isinstance(norm, Spade) else norm(x)
