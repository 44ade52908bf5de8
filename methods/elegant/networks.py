"""ELEGANT's encoder, decoder and discriminator, with the tensor names of the official PyTorch code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.nn.resampled import halve

_SLOPE = 0.2
_DISCRIMINATOR_BLOCKS = 4


class PixelNorm(nn.Module):
    """Divides the channel vector of every pixel by its L2 norm, then applies a learned factor and a learned summand.

    There is no factor sqrt(C), so with C channels the outputs have size 1 / sqrt(C).
    """

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))
        self.beta = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape and dtype; the norm is taken in float32."""
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
        scale = (self.alpha / norm.clamp_min(1e-12)).to(x.dtype)
        return x * scale + self.beta.to(x.dtype)


class Encoder(nn.Module):
    """Enc: convolutions of stride 2; the channels of the last output are divided among the attributes.

    Args:
        width: channels of the first block (official: 64); each block doubles them, up to 8 * width.
        blocks: number of blocks, each of which halves the image (official: 5).
    """

    def __init__(self, width: int = 64, blocks: int = 5) -> None:
        super().__init__()
        channels = [3, *block_channels(width, blocks)]
        self.main = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, 3, 2, 1), PixelNorm(), nn.LeakyReLU(_SLOPE, inplace=True))
            for i, o in pairwise(channels)
        )
        self.apply(_initialize)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images (N, 3, H, W) in [-1, 1] -> z (N, C, H / 2**blocks, W / 2**blocks), and earlier blocks' outputs."""
        hidden, outputs = images, []
        for block in self.main:
            hidden = block(hidden)
            outputs.append(hidden)
        return outputs[-1], outputs[:-1]


class Decoder(nn.Module):
    """Dec: two encodings -> the residual that an edit adds to the image; arguments as in `Encoder`."""

    def __init__(self, width: int = 64, blocks: int = 5) -> None:
        super().__init__()
        encoded = block_channels(width, blocks)
        # The input is two encodings. Each block but the last has as many output channels as the skip added to it.
        channels = [2 * encoded[-1], *encoded[-2::-1], 3]
        layers = [nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1) for i, o in pairwise(channels)]
        inner = [nn.Sequential(layer, PixelNorm(), nn.ReLU(inplace=True)) for layer in layers[:-1]]
        self.main = nn.ModuleList([*inner, nn.Sequential(layers[-1])])
        self.apply(_initialize)

    def forward(self, edited: Tensor, own: Tensor, skips: Sequence[Tensor] = ()) -> Tensor:
        """Edited encoding, the image's own encoding and the encoder's skips -> residual (N, 3, H, W) in (-2, 2).

        Training and edits always give `skips`; without them no skip is added.
        """
        hidden = torch.cat([edited, own], dim=1)
        for index, block in enumerate(self.main):
            hidden = block(hidden)
            if index < len(skips):
                hidden = hidden + skips[-1 - index]
        return 2 * torch.tanh(hidden.float())


class Discriminator(nn.Module):
    """D: image and labels -> realness. D1 sees the image at full size, D2 at half the height and width.

    Args:
        attributes: number of label columns.
        size: side in pixels to which images are pooled, a multiple of 16; image side / size must be a power of two.
        width: channels of the first layer (official: 64); each of the other three layers doubles them.
    """

    def __init__(self, attributes: int, size: int, width: int = 64) -> None:
        super().__init__()
        self.size = size
        channels = [3 + attributes, *(width * 2**block for block in range(_DISCRIMINATOR_BLOCKS))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), PixelNorm(), nn.LeakyReLU(_SLOPE, inplace=True)]
        self.conv = nn.Sequential(*layers)
        self.linear = nn.Sequential(nn.Linear(channels[-1] * (size // 2**_DISCRIMINATOR_BLOCKS) ** 2, 1))
        self.apply(_initialize)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images (N, 3, H, W) and labels (N, A) -> logits of realness (N, 1), float32."""
        while images.shape[2] > self.size:
            images = halve(images)
        return self.linear(self.conv[1:](self.first(images, labels)).flatten(1)).float()

    def first(self, images: Tensor, labels: Tensor) -> Tensor:
        """The first convolution, applied to the images followed by one constant map for each label.

        With stride 2 and one pixel of padding, only the first row and the first column of the output see the border of
        a constant map: a map of 4x4 gives all values, as 2x2, which are repeated.
        """
        (weight, bias), few = self.conv[0].parameters(), images.shape[1]
        of_images = F.conv2d(images, weight[:, :few], bias, 2, 1)
        maps = labels.to(images.dtype)[:, :, None, None].expand(-1, -1, 4, 4)
        values = F.conv2d(maps, weight[:, few:], stride=2, padding=1).permute(0, 2, 3, 1)
        for dim in (1, 2):
            border, inside = values.split(1, dim)
            sizes = [-1] * dim + [of_images.shape[2] - 1] + [-1] * (3 - dim)
            values = torch.cat([border, inside.expand(sizes)], dim)
        return of_images + values.permute(0, 3, 1, 2)


def block_channels(width: int, blocks: int) -> list[int]:
    """Channels of the encoder's blocks: width, then doubled up to 8 * width (64, 128, 256, 512, 512)."""
    return [width * min(2**block, 8) for block in range(blocks)]


def attribute_of_channel(channels: int, attributes: int) -> list[int]:
    """The index of the attribute that owns each bottleneck channel.

    Block i is [rint(channels / attributes * i), rint(channels / attributes * (i + 1))); rint rounds halves to even.
    """
    bounds = [round(channels / attributes * i) for i in range(attributes + 1)]
    return [i for i, (first, end) in enumerate(pairwise(bounds)) for _ in range(first, end)]


def exchange(own: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Replaces channels of an encoding by those of another image.

    Args:
        own, other: (N, C, h, w).
        share: (N, C) or (1, C) in [0, 1]: 1 takes the channel of `other`, 0 keeps that of `own`; linear in between.
    """
    return torch.lerp(own, other, share[:, :, None, None].to(own.dtype))


def _initialize(module: nn.Module) -> None:
    """Weights N(0, 0.02) and linear biases 0; the biases of convolutions keep PyTorch's default."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
