"""Face masks for the high-pass skip: a landmark network (FAN, official ``wing.ckpt``), and masks from its heatmaps.

The network is never trained here. Tensor names are the official ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.starganv2.networks import Masks

_SIZE = 256  # side of the landmark network's input and of the masks, in pixels
_LANDMARKS = 98
_DEPTH = 4
# Heatmap channels (first, last + 1), number of rows to move the map up, exponent.
_SHARPENED = ((8, 25, 0, 3), (33, 51, -7, 2), (55, 60, 8, 4), (77, 82, -8, 4), (83, 88, 8, 4), (88, 96, -2, 3))
_CLEARED = (*range(8), *range(25, 33), 33, 46, 76, 82)
_ONLY_COARSE = (*range(8, 25), *range(33, 51), *range(76, 96))  # channels that the fine mask leaves out


class FaceMasks(nn.Module):
    """The landmark network: it predicts heatmaps of face landmarks, and from them two masks for the high-pass skip."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _CoordinateConv(3, 64, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = _Block(64, 128)
        self.conv3 = _Block(128, 128)
        self.conv4 = _Block(128, 256)
        self.m0 = _Hourglass(256)
        self.top_m_0 = _Block(256, 256)
        self.conv_last0 = nn.Conv2d(256, 256, 1)
        self.bn_end0 = nn.BatchNorm2d(256)
        self.l0 = nn.Conv2d(256, _LANDMARKS + 1, 1)
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> FaceMasks:
        """Keeps eval mode for any `mode`: this network is never trained."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Masks:
        """Images (N, 3, H, W) in [-1, 1] -> two masks (N, 1, 256, 256) in [0, 1], float32, without gradients."""
        with torch.autocast(images.device.type, enabled=False):
            heatmaps = self.heatmaps(images.float())
            return masks_from(F.interpolate(heatmaps, size=_SIZE, mode="bilinear", align_corners=True))

    def heatmaps(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] -> a heatmap for each of 98 landmarks, (N, 98, 64, 64)."""
        x = F.interpolate(images, size=_SIZE, mode="bilinear") * 0.5 + 0.5
        x = self.conv2(F.relu(self.bn1(self.conv1(x))))
        x = self.m0(self.conv4(self.conv3(F.avg_pool2d(x, 2))))
        x = F.relu(self.bn_end0(self.conv_last0(self.top_m_0(x))))
        return self.l0(x)[:, :_LANDMARKS]  # the last channel is the outline of the face; it is not used


def masks_from(heatmaps: Tensor) -> Masks:
    """Heatmaps (N, 98, H, W) -> the masks for coarse and for fine feature maps, (N, 1, H, W) each, in [0, 1]."""
    maps = torch.where(heatmaps < 0.1, 0.0, heatmaps)
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    maps = (maps - low) / (high - low + 1e-6)
    for first, end, rows, power in _SHARPENED:
        maps[:, first:end] = _lifted(maps[:, first:end], rows) ** power
    maps[:, _CLEARED] = 0
    maps[:, 52:55] = _lifted(maps[:, 52:55], 4)
    maps[:, 60:76] = _lifted(maps[:, 60:76], -8) ** 3 + _lifted(maps[:, 60:76], -24)
    fine = maps.clone()
    fine[:, _ONLY_COARSE] = 0
    coarse, fine = (every.sum(1, keepdim=True).clamp(0, 1) for every in (maps, fine))
    return coarse, fine


def _lifted(maps: Tensor, rows: int) -> Tensor:
    """Moves maps up by `rows` rows (down if negative); rows that leave on one side return on the other."""
    return maps.roll(-rows, dims=2)


class _CoordinateConv(nn.Module):
    """A convolution with three extra input channels: the row, column and distance from the centre of each pixel."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs + 3, outputs, kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (torch.linspace(-1, 1, size, device=x.device) for size in x.shape[2:])
        down, across = torch.meshgrid(rows, columns, indexing="ij")
        radius = (down.square() + across.square()).sqrt()
        where = torch.stack([down, across, radius / radius.max()])
        return self.conv(torch.cat([x, where.expand(len(x), -1, -1, -1)], dim=1))


class _Block(nn.Module):
    """A residual block: the outputs of three convolutions are concatenated, and the input is added."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), _conv3(inputs, half)
        self.bn2, self.conv2 = nn.BatchNorm2d(half), _conv3(half, quarter)
        self.bn3, self.conv3 = nn.BatchNorm2d(quarter), _conv3(quarter, quarter)
        self.downsample = (
            nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False))
            if inputs != outputs
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv1(F.relu(self.bn1(x)))
        second = self.conv2(F.relu(self.bn2(first)))
        third = self.conv3(F.relu(self.bn3(second)))
        return torch.cat([first, second, third], dim=1) + self.downsample(x)


class _Hourglass(nn.Module):
    """An hourglass network with four halvings; each level has a skip branch past the smaller maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.coordconv = _CoordinateConv(channels, channels, 1)
        for level in range(_DEPTH, 0, -1):
            for name in (f"b1_{level}", f"b2_{level}", f"b3_{level}"):
                self.add_module(name, _Block(channels, channels))
        self.b2_plus_1 = _Block(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self._level(_DEPTH, self.coordconv(x))

    def _level(self, level: int, x: Tensor) -> Tensor:
        around = self.get_submodule(f"b1_{level}")(x)
        low = self.get_submodule(f"b2_{level}")(F.avg_pool2d(x, 2))
        low = self._level(level - 1, low) if level > 1 else self.b2_plus_1(low)
        low = self.get_submodule(f"b3_{level}")(low)
        return around + F.interpolate(low, scale_factor=2, mode="nearest")


def _conv3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
