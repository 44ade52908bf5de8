"""SMIT's discriminator: three scales, each with a realness and an attribute head, under spectral norm."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALES = 3
_SMALLEST = 2 ** (SCALES + 1)  # the smallest scale needs one halving that leaves 2x2


class SpectralConv(nn.Conv2d):
    """A 4x4 convolution of stride 2 whose weight is divided by its largest singular value.

    As in the official code, each call makes one step of the power iteration, in eval mode too: what the layer gives
    depends on how often it was called. The weight's gradient flows through the singular value.

    Args:
        inputs, outputs: channels.
    """

    u: Tensor
    v: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 4, 2, 1)
        self.register_buffer("u", _normalize(torch.randn(outputs)))
        self.register_buffer("v", _normalize(torch.randn(inputs * 16)))

    def forward(self, input: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H/2, W/2)."""
        # A power iteration in bfloat16 would not converge.
        with torch.autocast(input.device.type, enabled=False):
            matrix = self.weight.flatten(1)
            with torch.no_grad():
                # New tensors, not new values: the backward pass of an earlier call still needs the old ones.
                self.v = _normalize(matrix.t() @ self.u)
                self.u = _normalize(matrix @ self.v)
            weight = self.weight / torch.dot(self.u, matrix @ self.v)
        return F.conv2d(input, weight, self.bias, self.stride, self.padding)


class Scale(nn.Module):
    """The discriminator of one scale: halvings down to 2x2, and two heads.

    Args:
        attributes: number of label columns.
        image_size: side of its input, a power of two.
        width: channels of the first layer, doubled by each further one.
    """

    def __init__(self, attributes: int, image_size: int, width: int) -> None:
        super().__init__()
        channels = [3] + [width * 2**layer for layer in range(image_size.bit_length() - 2)]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [SpectralConv(inputs, outputs), nn.LeakyReLU(0.01)]
        self.trunk = nn.Sequential(*layers)
        self.source = nn.Conv2d(channels[-1], 1, 3, padding=1, bias=False)
        self.attributes = nn.Conv2d(channels[-1], attributes, 2, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) -> realness (N, 1, 2, 2) and attribute logits (N, A), both float32."""
        hidden = self.trunk(images)
        return self.source(hidden).float(), self.attributes(hidden).flatten(1).float()


class Discriminator(nn.Module):
    """Three discriminators, for the image, and for the image halved once and twice.

    Args:
        attributes: number of label columns.
        image_size: side of the images: a power of two, at least 16.
        width: channels of the first layers (official: 32 for 256 pixels, else 16).

    Raises:
        ValueError: another image size.
    """

    def __init__(self, attributes: int, image_size: int, width: int) -> None:
        super().__init__()
        if image_size < _SMALLEST or image_size.bit_count() != 1:
            raise ValueError(f"the discriminator needs a power of two of at least {_SMALLEST} pixels, not {image_size}")
        self.scales = nn.ModuleList(Scale(attributes, image_size // 2**index, width) for index in range(SCALES))

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Images (N, 3, S, S) -> of each scale the realness (N, 1, 2, 2), and the attribute logits (N, A)."""
        realness, logits = [], []
        for index, scale in enumerate(self.scales):
            if index:
                images = F.avg_pool2d(images, 3, 2, 1, count_include_pad=False)
            found = scale(images)
            realness.append(found[0])
            logits.append(found[1])
        return realness, logits


def _normalize(vector: Tensor) -> Tensor:
    return vector / (vector.norm() + 1e-12)
