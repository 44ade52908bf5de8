"""StarGAN's generator and discriminator, with the tensor names of the official PyTorch code."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.nn import channels_last
from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.nn.few_channels import ConvToFew, convolve_few

_EPSILON = 1e-5  # PyTorch's default, which the official code uses
_DISCRIMINATOR_LAYERS = 6
_KERNEL = 7  # of the generator's first and last layers


class ResidualBlock(nn.Module):
    """x + IN(conv(ReLU(IN(conv(x))))) with 3x3 convolutions; no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            _norm(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            _norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        return x + self.main(x)


class Generator(nn.Module):
    """Encoder, residual blocks, decoder (StarGAN, appendix, Table 4).

    The norm normalizes every image by its own statistics, as the official test does (it leaves the network in train
    mode). The running statistics of official checkpoints are not used. Keep the zero padding: instance norm removes
    constants, so a label map, which is constant over the image, acts only through the border that padding makes.

    Args:
        attributes: number of label columns.
        width: channels at full resolution (official: 64).
        blocks: residual blocks (official: 6).
    """

    def __init__(self, attributes: int, width: int = 64, blocks: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(3 + attributes, width, _KERNEL, 1, _KERNEL // 2, bias=False),
            *_norm_relu(width),
        ]
        for channels in (width, 2 * width):
            layers += [nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False), *_norm_relu(2 * channels)]
        layers += [ResidualBlock(4 * width) for _ in range(blocks)]
        for channels in (4 * width, 2 * width):
            layers += [nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False), *_norm_relu(channels // 2)]
        layers += [ConvToFew(width, 3, _KERNEL), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1], H and W multiples of 4, and target labels (N, A) -> (N, 3, H, W) float32."""
        return self.main[1:](self.first(images, labels)).float()

    def first(self, images: Tensor, labels: Tensor) -> Tensor:
        """The first convolution, applied to the images followed by one constant map for each label.

        The output for a constant map varies only near the border, so a map of the kernel's size gives all its values.
        """
        (weight,), size = self.main[0].parameters(), _KERNEL
        maps = labels.to(images.dtype)[:, :, None, None].expand(-1, -1, size, size)
        of_images = convolve_few(images, weight[:, : images.shape[1]])
        of_labels = F.conv2d(maps, weight[:, images.shape[1] :], padding=size // 2)
        if channels_last.lies_so(of_images):
            of_labels = of_labels.contiguous(memory_format=torch.channels_last)
        before, middle, after = of_labels.split([size // 2, 1, size // 2], dim=3)
        middle = middle.expand(-1, -1, -1, images.shape[3] - size + 1)
        return _AddRows.apply(of_images, torch.cat([before, middle, after], dim=3))  # type: ignore[no-any-return]


class _AddRows(torch.autograd.Function):
    """Adds rows (N, C, R, W), R odd, to maps (N, C, H, W) in place; all rows between the borders get the middle one."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, rows: Tensor) -> Tensor:
        ctx.side = side = rows.shape[2] // 2
        for part, row in zip(_bands(maps, side), _bands(rows, side), strict=True):
            part += row
        ctx.mark_dirty(maps)
        return maps

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        before, middle, after = _bands(gradient, ctx.side)
        return gradient, torch.cat([before, middle.sum(2, keepdim=True), after], dim=2)


def _bands(maps: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Splits maps (N, C, H, W) into the first `side` rows, the rows in between and the last `side` rows."""
    before, middle, after = maps.split([side, maps.shape[2] - 2 * side, side], dim=2)
    return before, middle, after


class Discriminator(nn.Module):
    """Strided convolutions without norms and two heads: realness of patches, and attributes (appendix, Table 5).

    Args:
        attributes: number of label columns.
        image_size: side of the images, in pixels.
        width: channels of the first layer (official: 64); each further layer doubles them.

    The official six layers give 2x2 patches at 128 pixels. Smaller images get fewer layers, so that 2x2 are left.

    Raises:
        ValueError: the size cannot be halved once for each layer.
    """

    def __init__(self, attributes: int, image_size: int, width: int = 64) -> None:
        super().__init__()
        depth = min(_DISCRIMINATOR_LAYERS, image_size.bit_length() - 2)
        if depth < 1 or image_size % 2**depth:
            raise ValueError(f"the discriminator cannot halve {image_size} pixels {depth} times")
        channels = [3] + [width * 2**layer for layer in range(depth)]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.01)]
        self.main = nn.Sequential(*layers)
        self.conv1 = nn.Conv2d(channels[-1], 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(channels[-1], attributes, image_size // 2**depth, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, H, W) -> realness of the patches (N, 1, h, w) and attribute logits (N, A), both float32."""
        hidden = self.main(images)
        return self.conv1(hidden).float(), self.conv2(hidden).flatten(1).float()


def _norm(channels: int) -> nn.Module:
    return InstanceNorm(channels, epsilon=_EPSILON)


def _norm_relu(channels: int) -> list[nn.Module]:
    return [_norm(channels), nn.ReLU(inplace=True)]
