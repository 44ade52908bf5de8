"""HomoGAN's encoder, interpolator, decoder and discriminator, with the tensor names of the official PyTorch code.

They all work on ImageNet-normalized images or on features of such images; see `normalize` and `denormalize`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.training.parallel import BatchNorm2d

# VGG-19: convolutions at each resolution. The encoder ends with the first convolution of its last resolution.
_CONVOLUTIONS = (2, 2, 4, 4, 4)
FINE_LEVEL = 2  # the resolution, counted from 0, of relu3_1, the map of the perceptual loss
_EXTRA = (3, 3, 1, 0)  # number of further convolutions of the decoder after each up-sampling
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SLOPE = 0.2


def normalize(images: Tensor) -> Tensor:
    """Images (N, 3, H, W) in [-1, 1] -> normalized by ImageNet's means and standard deviations, as in torchvision."""
    mean, std = _statistics(images)
    return (images - mean) / std


def denormalize(images: Tensor) -> Tensor:
    """The inverse of `normalize`; the values are not clamped."""
    mean, std = _statistics(images)
    return torch.addcmul(mean, images, std)


class FeatureNet(nn.Module):
    """VGG-19 up to the first convolution after its last pooling, without norms.

    Its parts end with relu3_1, relu4_1 and relu5_1; with fewer levels the last parts are left out.

    Args:
        width: channels of the first convolutions (VGG-19: 64); each level doubles them, up to 8 * width.
        levels: number of poolings, 2 to 4 (official: 4).
    """

    def __init__(self, width: int = 64, levels: int = 4) -> None:
        super().__init__()
        inputs, part = 3, OrderedDict[str, nn.Module]()
        for level in range(levels + 1):
            for index in range(1, 2 if level == levels else _CONVOLUTIONS[level] + 1):
                part[f"conv{level + 1}_{index}"] = nn.Conv2d(inputs, width * min(2**level, 8), 3, padding=1)
                part[f"relu{level + 1}_{index}"] = nn.ReLU(inplace=True)
                inputs = width * min(2**level, 8)
                if index == 1 and level >= FINE_LEVEL:
                    self.add_module(f"features_{level - FINE_LEVEL + 1}", nn.Sequential(part))
                    part = OrderedDict()
            part[f"pool{level + 1}"] = nn.MaxPool2d(2)
        self.channels = inputs

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalized images (N, 3, H, W) -> relu3_1 (N, 4 width, H/4, W/4), ...; the last map: latent features."""
        hidden, maps = images, []
        for part in self.children():
            hidden = part(hidden)
            maps.append(hidden)
        return maps

    def draw(self) -> None:
        """Draws He's initial weights; with PyTorch's default the signal would fade in 13 layers without norms."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)


class Branch(nn.Module):
    """Three 3x3 convolutions: feature difference -> change of the features in one group of attributes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3)]
        self.model = nn.Sequential(
            convolutions[0], nn.ReLU(inplace=True), convolutions[1], nn.ReLU(inplace=True), convolutions[2]
        )

    def forward(self, difference: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, h, w)."""
        return self.model(difference)


class Interpolator(nn.Module):
    """I(f1, f2, v) = f1 + sum over k of v_k branch_k(f2 - f1).

    Args:
        channels: channels of the features.
        branches: number of groups plus one; the last branch is for everything that has no label.
    """

    def __init__(self, channels: int, branches: int) -> None:
        super().__init__()
        self.branch = nn.ModuleList(Branch(channels) for _ in range(branches))

    def forward(self, own: Tensor, other: Tensor, strength: Tensor) -> Tensor:
        """Features (N, C, h, w) of source and reference, v (N, branches) -> features (N, C, h, w), float32.

        A branch is not computed if its v is 0 for all samples.
        """
        out, difference = own.float(), other - own
        for share, branch in zip(strength.unbind(1), self.branch, strict=True):
            if bool(share.any()):
                out = torch.addcmul(out, branch(difference).float(), share[:, None, None, None])
        return out


class Decoder(nn.Module):
    """G: latent features -> normalized image.

    Args:
        channels: channels of the features.
        width: lowest number of channels before the image (official: 64); each up-sampling halves the channels.
        levels: number of up-samplings by 2 (official: 4).
    """

    def __init__(self, channels: int, width: int = 64, levels: int = 4) -> None:
        super().__init__()
        layers = _convolution(channels, channels)
        for level in range(levels):
            inputs, channels = channels, max(channels // 2, width)
            layers += [nn.Upsample(scale_factor=2), *_convolution(inputs, channels)]
            for _ in range(_EXTRA[level]):
                layers += _convolution(channels, channels)
        self.model = nn.Sequential(*layers, nn.Conv2d(channels, 3, 3, padding=1))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 3, h 2**levels, w 2**levels), float32, normalized as by `normalize`."""
        return self.model(features).float()


class Discriminator(nn.Module):
    """D judges features, not images: how real they are, and which attributes they show.

    Args:
        channels: channels of the features.
        side: height and width of the feature maps, a power of two of at least 4.
        groups: number of attributes in each group.
    """

    def __init__(self, channels: int, side: int, groups: Sequence[int]) -> None:
        super().__init__()
        width = channels // 2
        layers = [nn.Conv2d(channels, width, 1), InstanceNorm(width, epsilon=1e-5), nn.LeakyReLU(_SLOPE, inplace=True)]
        for _ in range(side.bit_length() - 2):
            layers += [nn.Conv2d(width, width, 4, 2, 1), InstanceNorm(width, epsilon=1e-5)]
            layers.append(nn.LeakyReLU(_SLOPE, inplace=True))
        self.model = nn.Sequential(*layers, nn.Conv2d(width, width, 2))
        self.realness = nn.Conv2d(width, width, 1)
        self.heads = nn.ModuleList(nn.Conv2d(width, size, 1) for size in groups)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, side, side) -> realness (N, C / 2), of which the losses use the mean, and logits (N, A) by group."""
        hidden = self.model(features)
        logits = torch.cat([head(hidden) for head in self.heads], dim=1)
        return self.realness(hidden).flatten(1), logits.flatten(1)


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """ImageNet's mean and standard deviation for images in [-1, 1] instead of [0, 1]."""
    mean, std = (images.new_tensor(values, dtype=torch.float32).view(3, 1, 1) for values in (_MEAN, _STD))
    return 2 * mean - 1, 2 * std
