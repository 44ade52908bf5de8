"""STGAN's encoder, selective transfer units, decoder and discriminator (paper, section 3; sizes: official code).

The official code numbers its variables by order of creation, so all layers are created in the same order here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from bridgebench.methods.training.parallel import BatchNorm2d

MOST_CHANNELS = 1024
BATCH_NORM_MOMENTUM = 0.001  # equals TensorFlow's decay of 0.999
_SLOPE = 0.2


def channels_of(width: int, layers: int) -> list[int]:
    """Channels of each level: `width`, doubled with each halving of the image, up to 1024."""
    return [min(width * 2**level, MOST_CHANNELS) for level in range(layers)]


class Encoder(nn.Module):
    """Convolutions with stride 2 and batch norm; the outputs of all levels are returned.

    Args:
        channels: channels of each level, finest first.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), _batch_norm(outputs), nn.LeakyReLU(_SLOPE, True)
            )
            for inputs, outputs in pairwise([3, *channels])
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> z_1 (N, C_1, H/2, W/2), z_2 (N, C_2, H/4, W/4), ..."""
        encoded: list[Tensor] = []
        for level in self.levels:
            encoded.append(level(encoded[-1] if encoded else images))
        return encoded


class TransferUnit(nn.Module):
    """A selective transfer unit: a convolutional GRU cell that passes on its gated state r * h, not its output.

    Args:
        attributes: number of label columns.
        encoded: channels of the encoder's feature map at this level.
        state: channels of the state that comes from the next deeper level.
        channels: channels of this unit.
    """

    def __init__(self, attributes: int, encoded: int, state: int, channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(state + attributes, channels, 4, 2, 1)
        self.reset = nn.Conv2d(encoded + channels, channels, 3, 1, 1)
        self.update = nn.Conv2d(encoded + channels, channels, 3, 1, 1)
        self.candidate = nn.Conv2d(encoded + channels, channels, 3, 1, 1)

    def forward(self, encoded: Tensor, state: Tensor, difference: Tensor) -> tuple[Tensor, Tensor]:
        """Encoder map (N, E, H, W), state (N, S, H/2, W/2), difference (N, A) -> feature and state (N, C, H, W)."""
        hidden = self.upsample(_with_labels(state, difference))
        both = torch.cat([encoded, hidden], dim=1)
        update = self.update(both).sigmoid()
        state = self.reset(both).sigmoid() * hidden
        candidate = self.candidate(torch.cat([encoded, state], dim=1)).tanh()
        return torch.lerp(hidden, candidate, update), state


class TransferUnits(nn.Module):
    """One transfer unit on each skip connection; the units run from the deepest to the finest.

    Args:
        attributes: number of label columns.
        encoded: channels of the encoder's levels, finest first.
        channels: channels of the units, finest first; there is one unit fewer than levels.
    """

    def __init__(self, attributes: int, encoded: Sequence[int], channels: Sequence[int]) -> None:
        super().__init__()
        states = [encoded[-1], *channels[::-1]]
        self.units = nn.ModuleList(
            TransferUnit(attributes, skip, state, width)
            for skip, state, width in zip(encoded[-2::-1], states, channels[::-1], strict=False)
        )

    def forward(self, encoded: Sequence[Tensor], difference: Tensor) -> list[Tensor]:
        """The encoder's maps, finest first, and label difference (N, A) -> the units' features, deepest first."""
        features, state = [], encoded[-1]
        for unit, skip in zip(self.units, encoded[-2::-1], strict=True):
            feature, state = unit(skip, state, difference)
            features.append(feature)
        return features


class Decoder(nn.Module):
    """Transposed convolutions with stride 2 and batch norm; each also gets the label difference and a unit's feature.

    Args:
        attributes: number of label columns.
        encoded: channels of the encoder's levels, finest first.
        skips: channels of the transfer units' features, finest first.
    """

    def __init__(self, attributes: int, encoded: Sequence[int], skips: Sequence[int]) -> None:
        super().__init__()
        outputs = encoded[:0:-1]
        inputs = [encoded[-1], *(main + skip for main, skip in zip(outputs, skips[::-1], strict=True))]
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(before + attributes, after, 4, 2, 1, bias=False), _batch_norm(after), nn.ReLU(True)
            )
            for before, after in zip(inputs, outputs, strict=False)
        )
        self.last = nn.ConvTranspose2d(inputs[-1] + attributes, 3, 4, 2, 1)

    def forward(self, bottleneck: Tensor, features: Sequence[Tensor], difference: Tensor) -> Tensor:
        """The encoder's deepest map, units' features (deepest first), difference (N, A) -> images (N, 3, H, W)."""
        x = bottleneck
        for stage, feature in zip(self.stages, features, strict=True):
            x = torch.cat([stage(_with_labels(x, difference)), feature], dim=1)
        return self.last(_with_labels(x, difference)).float().tanh()


class Generator(nn.Module):
    """``Gdec(Gstu(Genc(x), d), d)``: encoder, transfer units and decoder.

    Args:
        attributes: number of label columns.
        width: channels of the encoder's first level (official: 64).
        unit_width: channels of the finest transfer unit (official: 64, for any width).
        layers: number of halvings of the image (official: 5).
    """

    def __init__(self, attributes: int, width: int = 64, unit_width: int = 64, layers: int = 5) -> None:
        super().__init__()
        encoded, skips = channels_of(width, layers), channels_of(unit_width, layers - 1)
        self.encoder = Encoder(encoded)
        self.units = TransferUnits(attributes, encoded, skips)
        self.decoder = Decoder(attributes, encoded, skips)
        self.apply(_initialize)

    def forward(self, images: Tensor, difference: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] and a label difference (N, A) -> edits (N, 3, H, W), float32."""
        return self.decode(self.encoder(images), difference)

    def decode(self, encoded: Sequence[Tensor], difference: Tensor) -> Tensor:
        """The part of ``forward`` after the encoder: makes the edits from the encoder's maps."""
        return self.decoder(encoded[-1], self.units(encoded, difference), difference)


class CriticNorm(nn.Module):
    """Instance norm with the second derivative of TensorFlow: no gradient flows to the mean inside the variance.

    Values and first derivatives are those of an ordinary instance norm, because the missing term is zero. The second
    derivatives differ, and so does the gradient of the gradient penalty.

    Args:
        channels: number of channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), in float32."""
        x = x.float()
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean.detach()).square().mean((2, 3), keepdim=True)
        scale = (variance + 1e-6).rsqrt() * self.weight.view(1, -1, 1, 1)
        return torch.addcmul(self.bias.view(1, -1, 1, 1), x - mean, scale)


class Discriminator(nn.Module):
    """Convolutions with stride 2, then two heads of two dense layers: the critic value and the attribute logits.

    Args:
        attributes: number of label columns.
        image_size: side of the images, in pixels: a multiple of 2 ** layers, at least 2 ** (layers + 1).
        width: channels of the first layer (official: 64).
        hidden: width of the hidden dense layers (official: 1024).
        layers: number of halvings of the image (official: 5).
    """

    def __init__(self, attributes: int, image_size: int, width: int = 64, hidden: int = 1024, layers: int = 5) -> None:
        super().__init__()
        channels = channels_of(width, layers)
        trunk: list[nn.Module] = []
        for inputs, outputs in pairwise([3, *channels]):
            trunk += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), CriticNorm(outputs), nn.LeakyReLU(_SLOPE)]
        self.trunk = nn.Sequential(*trunk)
        size = channels[-1] * (image_size // 2**layers) ** 2
        self.critic, self.classifier = (
            nn.Sequential(nn.Linear(size, hidden), nn.LeakyReLU(_SLOPE), nn.Linear(hidden, outputs))
            for outputs in (1, attributes)
        )
        self.apply(_initialize)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) in [-1, 1] -> critic values (N, 1) and attribute logits (N, A), float32."""
        hidden = self.trunk(images).permute(0, 2, 3, 1).flatten(1)  # TensorFlow's order: channels last
        return self.critic(hidden).float(), self.classifier(hidden).float()


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return BatchNorm2d(channels, eps=1e-3, momentum=BATCH_NORM_MOMENTUM)


def _with_labels(x: Tensor, difference: Tensor) -> Tensor:
    """Appends the difference (N, A) to every pixel of x (N, C, H, W)."""
    return torch.cat([x, difference.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)


def _initialize(module: nn.Module) -> None:
    """Glorot uniform weights and zero biases, as in the official code."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
