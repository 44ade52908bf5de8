"""SMIT's generator: an encoder, residual blocks steered by adaptive instance norm, a decoder with an attention mask."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from bridgebench.methods.nn import channels_last
from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.nn.few_channels import convolve_to_few
from torch import Tensor, nn

_EPSILON = 1e-5


class AdaptiveBlock(nn.Module):
    """x + AdaIN(conv(ReLU(AdaIN(conv(x))))), 3x3, no activation after the sum.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x (N, C, H, W), code (N, 4, C): shift and scale of the first norm, then of the second -> (N, C, H, W)."""
        hidden = F.relu(self._norm(self.conv1(x), code[:, 0], code[:, 1]))
        return x + self._norm(self.conv2(hidden), code[:, 2], code[:, 3])

    def _norm(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        shift, scale = shift[:, :, None, None], scale[:, :, None, None]
        if self.training and channels_last.lies_so(x):
            return channels_last.instance_norm(x, scale, shift, _EPSILON)
        normalized = F.group_norm(x, x.shape[1], eps=_EPSILON)
        return torch.addcmul(shift.to(normalized.dtype), normalized, scale.to(normalized.dtype))


class SampleNorm(nn.Module):
    """Normalizes each sample by the mean and the unbiased deviation over all its channels and pixels.

    As the official code has it: epsilon is added to the deviation, and the scale starts uniform in [0, 1).

    Args:
        channels: number of channels C; each has its own scale and shift.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        deviation, mean = torch.std_mean(x.float(), dim=(1, 2, 3), keepdim=True)
        scale = self.gamma[:, None, None] / (deviation + _EPSILON)
        # As one multiplication and one addition a pixel: the statistics go into a scale and a shift of every channel.
        shift = self.beta[:, None, None] - mean * scale
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


class Generator(nn.Module):
    """G(image, code) with code = embedding(style, labels).

    The embedding is one linear layer that is never trained: it keeps its random first weights, which are part of the
    model nevertheless.

    Args:
        attributes: number of label columns.
        noise_size: size of the style (official: 20).
        width: channels at full resolution (official: 32).
        blocks: residual blocks (official: 6).
        downsamplings: halvings before the blocks (official: 3).
    """

    def __init__(
        self, attributes: int, noise_size: int = 20, width: int = 32, blocks: int = 6, downsamplings: int = 3
    ) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(downsamplings + 1)]
        down: list[nn.Module] = [nn.Conv2d(3, width, 7, padding=3, bias=False), *_norm_relu(width)]
        for inputs, outputs in pairwise(channels):
            down += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), *_norm_relu(outputs)]
        up: list[nn.Module] = []
        for inputs, outputs in pairwise(reversed(channels)):
            up += [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
            up += [SampleNorm(outputs), nn.ReLU(inplace=True)]
        self.down = nn.Sequential(*down)
        self.blocks = nn.ModuleList(AdaptiveBlock(channels[-1]) for _ in range(blocks))
        self.up = nn.Sequential(*up)
        self.image_head = nn.Conv2d(width, 3, 7, padding=3, bias=False)
        self.mask_head = nn.Conv2d(width, 1, 7, padding=3, bias=False)
        self.embedding = nn.Linear(noise_size + attributes, blocks * 4 * channels[-1]).requires_grad_(False)

    def embed(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Styles (N, noise_size) and labels (N, A) -> codes (N, blocks * 4 * C) of all adaptive norms."""
        return self.embedding(torch.cat([noise, labels.to(noise.dtype)], dim=1))

    def encode(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) -> the map (N, C, h, w) that the blocks start from; it does not depend on the code."""
        return self.down(images)

    def decode(self, hidden: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """What `encode` and `embed` gave -> new pixels (N, 3, H, W) in [-1, 1] and the mask (N, 1, H, W) in [0, 1]."""
        codes = code.unflatten(1, (len(self.blocks), 4, -1))
        for index, block in enumerate(self.blocks):
            hidden = block(hidden, codes[:, index])
        features = self.up(hidden)
        # Both heads read the same map: one convolution does for the two.
        weight = torch.cat([self.image_head.weight, self.mask_head.weight])
        found = convolve_to_few(features, weight) if self.training else F.conv2d(features, weight, padding=3)
        pixels, mask = found.float().split([3, 1], dim=1)
        return pixels.tanh(), mask.sigmoid()

    def forward(self, images: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Edits images.

        Args:
            images: (N, 3, H, W) in [-1, 1], H and W multiples of 2^downsamplings.
            code: from `embed`.

        Returns:
            The edit (N, 3, H, W) in [-1, 1] and the mask (N, 1, H, W) in [0, 1], both float32; where the mask is 1,
            the edit is the input.
        """
        pixels, mask = self.decode(self.encode(images), code)
        return blend(images, pixels, mask), mask


def blend(images: Tensor, pixels: Tensor, mask: Tensor) -> Tensor:
    """mask * images + (1 - mask) * pixels."""
    return torch.lerp(pixels, images, mask)


def _norm_relu(channels: int) -> list[nn.Module]:
    return [InstanceNorm(channels, epsilon=_EPSILON), nn.ReLU(inplace=True)]
