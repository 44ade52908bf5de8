"""SMIT's networks.

The generator has an encoder, residual blocks with adaptive instance norm, and a decoder with an attention mask. The
discriminator has three scales with spectral norm, each with a realness head and an attribute head.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.nn import channels_last
from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.nn.few_channels import convolve_to_few

_EPSILON = 1e-5
SCALES = 3
_SMALLEST = 2 ** (SCALES + 1)  # image size at which the smallest scale is 4x4 and is halved once, to 2x2


class AdaptiveBlock(nn.Module):
    """x + AdaIN(conv(ReLU(AdaIN(conv(x))))) with 3x3 convolutions; no activation after the sum.

    Args:
        channels: number of channels of input and output.
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
    """Normalizes each sample by the mean and the unbiased standard deviation over all its channels and pixels.

    As in the official code, epsilon is added to the deviation, and the scale starts uniform in [0, 1).

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
        # The statistics go into the scale and shift of each channel, so a pixel takes one multiplication and addition.
        shift = self.beta[:, None, None] - mean * scale
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


class Generator(nn.Module):
    """G(image, code) with code = embedding(style, labels).

    The embedding is one linear layer that is never trained: it keeps its random initial weights, which are still
    part of the model.

    Args:
        attributes: number of label columns.
        noise_size: length of the style (official: 20).
        width: channels at full resolution (official: 32).
        blocks: number of residual blocks (official: 6).
        downsamplings: number of halvings before the blocks (official: 3).
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
        """Outputs of `encode` and `embed` -> pixels (N, 3, H, W) in [-1, 1] and the mask (N, 1, H, W) in [0, 1]."""
        codes = code.unflatten(1, (len(self.blocks), 4, -1))
        for index, block in enumerate(self.blocks):
            hidden = block(hidden, codes[:, index])
        features = self.up(hidden)
        # Both heads read the same map, so one convolution computes both.
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


class SpectralConv(nn.Conv2d):
    """A 4x4 convolution with stride 2 whose weight is divided by its largest singular value.

    As in the official code, each call makes one step of the power iteration, also in eval mode, so the output of
    the layer depends on how often it was called. The gradient of the weight flows through the singular value.

    Args:
        inputs, outputs: numbers of channels.
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
                # New tensors, not in-place changes: the backward pass of an earlier call still needs the old values.
                self.v = _normalize(matrix.t() @ self.u)
                self.u = _normalize(matrix @ self.v)
            weight = self.weight / torch.dot(self.u, matrix @ self.v)
        return F.conv2d(input, weight, self.bias, self.stride, self.padding)


class Scale(nn.Module):
    """The discriminator of one scale: halvings down to 2x2, then two heads.

    Args:
        attributes: number of label columns.
        image_size: side of its input images, a power of two.
        width: channels of the first layer; each further layer doubles them.
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
    """Three discriminators: for the image, for the image halved once, and for the image halved twice.

    Args:
        attributes: number of label columns.
        image_size: side of the images: a power of two, at least 16.
        width: channels of the first layers (official: 32 for 256 pixels, else 16).

    Raises:
        ValueError: an image size that is not such a power of two.
    """

    def __init__(self, attributes: int, image_size: int, width: int) -> None:
        super().__init__()
        if image_size < _SMALLEST or image_size.bit_count() != 1:
            raise ValueError(f"the discriminator needs a power of two of at least {_SMALLEST} pixels, not {image_size}")
        self.scales = nn.ModuleList(Scale(attributes, image_size // 2**index, width) for index in range(SCALES))

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Images (N, 3, S, S) -> per scale, the realness (N, 1, 2, 2) and the attribute logits (N, A)."""
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
