"""SMIT's random crops."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_AREA = (0.7, 1.0)
_RATIO = (0.8, 1.2)
_TRIES = 10


def crop_at_random(images: Tensor, generator: torch.Generator) -> Tensor:
    """A random part of each image (N, 3, H, W), resized to the whole size by bilinear interpolation.

    The part has 70 to 100 % of the area, and a ratio of its sides that is log-uniform in [0.8, 1.2]; of ten draws the
    first that fits into the image is taken, else the whole image (torchvision's ``RandomResizedCrop``, but with crops
    that need not begin at a whole pixel).
    """
    count = len(images)
    draw = torch.rand(2, count, _TRIES, generator=generator, device=generator.device).to(images.device)
    place = torch.rand(2, count, generator=generator, device=generator.device).to(images.device) * 2 - 1
    area = _AREA[0] + (_AREA[1] - _AREA[0]) * draw[0]
    low, high = map(math.log, _RATIO)
    ratio = (low + (high - low) * draw[1]).exp()
    sides = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()])
    fits = (sides <= 1).all(dim=0)
    first = fits.int().argmax(dim=1)
    width, height = torch.where(fits.any(dim=1), sides[:, torch.arange(count, device=first.device), first], 1.0)
    # In the coordinates of `affine_grid` an image reaches from -1 to 1.
    window = torch.zeros(count, 2, 3, device=images.device)
    window[:, 0, 0], window[:, 0, 2] = width, place[0] * (1 - width)
    window[:, 1, 1], window[:, 1, 2] = height, place[1] * (1 - height)
    grid = F.affine_grid(window, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
