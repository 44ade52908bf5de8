"""StarGAN v2's four networks, with the tensor names of the official PyTorch code.

Channels start at `width` (official: 16384 / image size) and double with each halving, up to `widest` (official: 512).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.nn import channels_last
from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.nn.resampled import convolve_and_halve, enlarge_and_convolve, halve

Masks = tuple[Tensor, Tensor]
Encoded = tuple[Tensor, dict[int, Tensor]]  # the deepest map, and the maps for the high-pass skip, by size
_SKIPPED_SIZES = (32, 64, 128)  # sizes of the maps that the high-pass skip carries
_EPSILON = 1e-5


class ResidualBlock(nn.Module):
    """(x + conv(LReLU(IN(pool(conv(LReLU(IN(x))))))) / sqrt(2); the second convolution changes the channels.

    Args:
        inputs, outputs: numbers of channels.
        norm: use instance norms.
        down: halve height and width.
    """

    def __init__(self, inputs: int, outputs: int, *, norm: bool = False, down: bool = False) -> None:
        super().__init__()
        self.down = down
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = InstanceNorm(inputs, epsilon=_EPSILON) if norm else nn.Identity()
        self.norm2 = InstanceNorm(inputs, epsilon=_EPSILON) if norm else nn.Identity()
        self.conv1x1 = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W), or (N, outputs, H/2, W/2) with `down`."""
        y = _leaky(self.norm1(x))
        y = convolve_and_halve(self.conv1, y) if self.down else self.conv1(y)
        # The 1x1 convolution commutes with average pooling, so it runs on the smaller map.
        return (self.conv1x1(self._pool(x)) + self.conv2(_leaky(self.norm2(y)))).div_(math.sqrt(2))

    def _pool(self, x: Tensor) -> Tensor:
        return halve(x) if self.down else x


class AdaIN(nn.Module):
    """Instance norm; a linear layer computes its scale (1 + gamma) and its shift (beta) from the style code."""

    def __init__(self, channels: int, style_size: int) -> None:
        super().__init__()
        self.norm = InstanceNorm(channels, affine=False, epsilon=_EPSILON)
        self.fc = nn.Linear(style_size, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x (N, channels, H, W) and style (N, style_size) -> (N, channels, H, W)."""
        gamma, beta = self.fc(style)[:, :, None, None].chunk(2, dim=1)
        if self.training and channels_last.lies_so(x):
            return channels_last.instance_norm(x, 1 + gamma, beta, _EPSILON)
        return torch.addcmul(beta, 1 + gamma, self.norm(x))


class StyleBlock(nn.Module):
    """Residual block with AdaIN; the first convolution changes the channels.

    Args:
        inputs, outputs: numbers of channels.
        style_size: length of the style code.
        up: double height and width (nearest neighbour).
        shortcut: add the input and divide by sqrt(2). Without it (in generators with a high-pass skip) the block
            returns only its residual; its 1x1 weight is not used, although official checkpoints hold it.
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
        """x (N, inputs, H, W) and style (N, style_size) -> (N, outputs, H, W), or (N, outputs, 2H, 2W) with `up`."""
        y = _leaky(self.norm1(x, style))
        y = enlarge_and_convolve(self.conv1, y) if self.up else self.conv1(y)
        y = self.conv2(_leaky(self.norm2(y, style)))
        if not self.shortcut:
            return y
        return (y + self._enlarge(self.conv1x1(x))).div_(math.sqrt(2))

    def _enlarge(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.up else x


class HighPass(nn.Module):
    """A 3x3 Laplacian on each channel, divided by `weakening` (official w_hpf): larger values let less through."""

    filter: Tensor

    def __init__(self, weakening: float) -> None:
        super().__init__()
        kernel = torch.full((3, 3), -1.0)
        kernel[1, 1] = 8.0
        self.register_buffer("filter", kernel / weakening)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return F.conv2d(x, self.filter.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


class Generator(nn.Module):
    """G: image and style code -> image in the style's domain. G has no tanh, so its output may leave [-1, 1].

    The encoder halves the map down to 16x16, or to 8x8 with a high-pass skip.

    Args:
        image_size: a power of 2, at least 32.
        width, widest: channels at full resolution, and the upper limit of channels.
        style_size: length of the style code (official: 64).
        high_pass: w_hpf of the high-pass skip; 0: no skip, but shortcuts in the decoder.
    """

    def __init__(
        self, image_size: int, width: int, widest: int = 512, style_size: int = 64, high_pass: float = 0.0
    ) -> None:
        super().__init__()
        halvings = int(math.log2(image_size)) - 4 + (high_pass > 0)
        channels = [min(width * 2**level, widest) for level in range(halvings + 1)]
        shortcut = high_pass == 0
        deepest = channels[-1]
        self.from_rgb = nn.Conv2d(3, width, 3, padding=1)
        self.encode = nn.ModuleList(
            [ResidualBlock(i, o, norm=True, down=True) for i, o in pairwise(channels)]
            + [ResidualBlock(deepest, deepest, norm=True) for _ in range(2)]
        )
        upwards = channels[::-1]
        self.decode = nn.ModuleList(
            [StyleBlock(deepest, deepest, style_size, shortcut=shortcut) for _ in range(2)]
            + [StyleBlock(i, o, style_size, up=True, shortcut=shortcut) for i, o in pairwise(upwards)]
        )
        self.to_rgb = nn.Sequential(InstanceNorm(width, epsilon=_EPSILON), nn.LeakyReLU(0.2), nn.Conv2d(width, 3, 1))
        self.apply(_he)
        self.hpf = HighPass(high_pass) if high_pass else None

    def forward(self, images: Tensor, style: Tensor, masks: Masks | None = None) -> Tensor:
        """Edits images.

        Args:
            images: (N, 3, H, W) in [-1, 1].
            style: (N, style_size).
            masks: two masks (N, 1, h, w) in [0, 1] that show where the high-pass skip passes detail: the first at 32
                pixels, the second at 64 and 128; None: the skip is off. Only for generators with a `high_pass`.

        Returns:
            (N, 3, H, W) float32, not limited to [-1, 1].
        """
        return self.decode_with(self.encode_images(images), style, masks)

    def encode_images(self, images: Tensor) -> Encoded:
        """Runs the encoder, which does not depend on the style; `images` as in ``forward``."""
        x, skipped = self.from_rgb(images), {}
        for block in self.encode:
            if self.hpf is not None and x.shape[2] in _SKIPPED_SIZES:
                skipped[x.shape[2]] = x
            x = block(x)
        return x, skipped

    def decode_with(self, encoded: Encoded, style: Tensor, masks: Masks | None = None) -> Tensor:
        """Runs the decoder on the output of `encode_images`; other arguments and result as in ``forward``."""
        x, skipped = encoded
        for block in self.decode:
            x = block(x, style)
            if masks is not None and x.shape[2] in skipped:
                x = x + self._detail(skipped[x.shape[2]], masks)
        return self.to_rgb(x).float()

    def _detail(self, x: Tensor, masks: Masks) -> Tensor:
        assert self.hpf is not None, "masks need a generator with a high-pass skip"
        mask = masks[0] if x.shape[2] == _SKIPPED_SIZES[0] else masks[1]
        return self.hpf(F.interpolate(mask, size=x.shape[2:], mode="bilinear") * x)


class MappingNetwork(nn.Module):
    """F: noise and domain -> style code; four shared layers, then four layers for each domain.

    Args:
        domains: K, the number of domains.
        noise_size: length of the noise z (official: 16).
        hidden: width of the layers (official: 512).
        style_size: length of the style code (official: 64).
    """

    def __init__(self, domains: int, noise_size: int = 16, hidden: int = 512, style_size: int = 64) -> None:
        super().__init__()
        self.shared = nn.Sequential(*_perceptron([noise_size, *[hidden] * 4]), nn.ReLU())
        self.unshared = nn.ModuleList(nn.Sequential(*_perceptron([*[hidden] * 4, style_size])) for _ in range(domains))
        self.apply(_he)

    def forward(self, noise: Tensor, domains: Tensor) -> Tensor:
        """Noise (N, noise_size) and domains (N,) -> styles (N, style_size) float32."""
        return _select(self.unshared, self.shared(noise), domains)


class StyleEncoder(nn.Module):
    """E: image and its domain -> style code. Arguments as for `Generator`; `domains` is K, the number of domains."""

    def __init__(self, domains: int, image_size: int, width: int, widest: int = 512, style_size: int = 64) -> None:
        super().__init__()
        layers, channels = _trunk(image_size, width, widest)
        self.shared = nn.Sequential(*layers)
        self.unshared = nn.ModuleList(nn.Linear(channels, style_size) for _ in range(domains))
        self.apply(_he)

    def forward(self, images: Tensor, domains: Tensor) -> Tensor:
        """Images (N, 3, H, W) and their domains (N,) -> styles (N, style_size) float32."""
        return _select(self.unshared, self.shared(images).flatten(1), domains)


class Discriminator(nn.Module):
    """D: image and domain -> is it a real image of this domain? Arguments as for `StyleEncoder`."""

    def __init__(self, domains: int, image_size: int, width: int, widest: int = 512) -> None:
        super().__init__()
        layers, channels = _trunk(image_size, width, widest)
        self.main = nn.Sequential(*layers, nn.Conv2d(channels, domains, 1))
        self.apply(_he)

    def forward(self, images: Tensor, domains: Tensor) -> Tensor:
        """Images (N, 3, H, W) and domains (N,) -> logits (N,) float32."""
        return self.main(images).flatten(1).float().gather(1, domains[:, None])[:, 0]


def _trunk(image_size: int, width: int, widest: int) -> tuple[list[nn.Module], int]:
    """Layers that turn images into (N, channels, 1, 1), and the number of these channels."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1)]
    channels = width
    for _ in range(int(math.log2(image_size)) - 2):
        layers.append(ResidualBlock(channels, min(2 * channels, widest), down=True))
        channels = min(2 * channels, widest)
    return [*layers, nn.LeakyReLU(0.2), nn.Conv2d(channels, channels, 4), nn.LeakyReLU(0.2)], channels


def _perceptron(sizes: list[int]) -> list[nn.Module]:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = [nn.Linear(sizes[0], sizes[1])]
    for inputs, outputs in pairwise(sizes[1:]):
        layers += [nn.ReLU(), nn.Linear(inputs, outputs)]
    return layers


def _select(heads: nn.ModuleList, hidden: Tensor, domains: Tensor) -> Tensor:
    """Sends each row through the head of its domain. As in the official code, all run, so Adam updates all."""
    every = torch.stack([head(hidden) for head in heads], dim=1).float()
    return every[torch.arange(len(domains), device=domains.device), domains]


def _he(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)
