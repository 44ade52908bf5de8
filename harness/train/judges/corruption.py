"""Data augmentation for judges: random changes of training images that keep their attributes.

Edited images are softer, noisier and differ more in brightness than real images. A judge trained only on clean images
would count such artefacts as failed edits. So judges are trained on mirrored, shifted, relit, blurred, coarsened and
noisy images. Photos are randomly cropped instead of shifted, because their subjects vary in size as well. Colours
change by a faint tint at most, because hair colours are attributes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_MIRRORED = 0.5  # the shares of a batch that get each change
_BLURRED = 0.3
_COARSE = 0.2
_NOISY = 0.4
_LARGEST_SHIFT = 1 / 20  # of the image's side
_LARGEST_STRETCH = 0.04  # of a crop's sides
_LARGEST_SIGMA = 1 / 50  # of the image's side: 1.3 pixels at 64
_SMALLEST_SCALE = 0.4
_LARGEST_NOISE = 0.12  # standard deviation, in units of [-1, 1]


def corrupt(images: Tensor, generator: torch.Generator, crop: float | None = None, mirror: bool = True) -> Tensor:
    """A randomly changed copy of a batch (N, 3, H, W) in [-1, 1].

    Args:
        images: the batch.
        generator: on the CPU; the source of all randomness.
        crop: the smallest share of an image's area that a random crop keeps, in (0, 1]; None: shifts instead.
        mirror: whether half of the images are mirrored; not for a network that learns which side something is on.
    """
    moved = _shift(images, generator) if crop is None else _crop(images, crop, generator)
    changed = _relight(moved, generator)
    return spoil(changed, generator, _MIRRORED if mirror else 0.0)


def spoil(images: Tensor, generator: torch.Generator, mirrored: float = 0.0) -> Tensor:
    """Blurs, coarsens and adds noise to some images of a batch (N, 3, H, W) in [-1, 1], in place.

    Args:
        images: the batch.
        generator: on the CPU; the source of all randomness.
        mirrored: the share of images that are mirrored, too.
    """
    for share, change in ((mirrored, _mirror), (_BLURRED, _blur), (_COARSE, _coarsen), (_NOISY, _add_noise)):
        chosen = torch.randperm(len(images), generator=generator)[: round(share * len(images))].to(images.device)
        if len(chosen):
            images[chosen] = change(images[chosen], generator)
    return images.clamp_(-1.0, 1.0)


def _uniform(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _shift(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts each image by its own whole number of pixels; pixels at the edge are repeated."""
    count, _, height, width = images.shape
    reach = max(1, round(_LARGEST_SHIFT * width))
    offsets = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator)
    rows = (torch.arange(height) + offsets[0]).clamp(0, height - 1).to(images.device)
    columns = (torch.arange(width) + offsets[1]).clamp(0, width - 1).to(images.device)
    batch = torch.arange(count, device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _crop(images: Tensor, smallest: float, generator: torch.Generator) -> Tensor:
    """Cuts a random window from each image and resizes it to full size; the window's sides differ by at most 4 %."""
    count = len(images)
    area = _uniform(smallest, 1.0, count, generator)
    stretch = 1 + _uniform(-_LARGEST_STRETCH, _LARGEST_STRETCH, count, generator)
    sides = torch.stack([(area * stretch).sqrt(), (area / stretch).sqrt()], dim=1).clamp_(max=1.0)  # 1: the whole side
    middle = (1 - sides) * _uniform(-1.0, 1.0, 2 * count, generator).view(count, 2)
    theta = torch.cat([torch.diag_embed(sides), middle.unsqueeze(2)], dim=2).to(images.device)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relight(images: Tensor, generator: torch.Generator) -> Tensor:
    """Changes contrast by up to 15 %, brightness by up to 0.1, and the balance of the channels by up to 0.04."""
    count = len(images)
    contrast = _uniform(0.85, 1.15, count, generator).view(-1, 1, 1, 1)
    brightness = _uniform(-0.1, 0.1, count, generator).view(-1, 1, 1, 1)
    tint = _uniform(-0.04, 0.04, 3 * count, generator).view(-1, 3, 1, 1)
    return images * contrast.to(images.device) + (brightness + tint).to(images.device)


def _mirror(images: Tensor, generator: torch.Generator) -> Tensor:
    return images.flip(3)


def _blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """Applies a Gaussian blur, with one width for the whole batch."""
    sigma = max(0.3, float(_uniform(0.0, _LARGEST_SIGMA * images.shape[3], 1, generator)))
    radius = round(2.5 * sigma) + 1
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=images.device) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).repeat(3, 1, 1, 1)
    padded = functional.pad(images, (radius,) * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(padded, kernel, groups=3), kernel.transpose(2, 3), groups=3)


def _coarsen(images: Tensor, generator: torch.Generator) -> Tensor:
    """Resizes the batch down to a fraction of its size and up again."""
    height, width = images.shape[2:]
    scale = float(_uniform(_SMALLEST_SCALE, 0.9, 1, generator))
    small = functional.interpolate(
        images, size=(round(scale * height), round(scale * width)), mode="bilinear", antialias=True
    )
    return functional.interpolate(small, size=(height, width), mode="bilinear")


def _add_noise(images: Tensor, generator: torch.Generator) -> Tensor:
    strength = _uniform(0.0, _LARGEST_NOISE, len(images), generator).view(-1, 1, 1, 1)
    return images + (strength * torch.randn(images.shape, generator=generator)).to(images.device)
