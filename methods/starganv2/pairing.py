"""The inputs of one StarGAN v2 iteration: images of balanced domains, target domains, pairs of references, noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.starganv2.domains import DomainIndex
from bridgebench.methods.starganv2.objective import Conversion
from bridgebench.methods.training.base import Batch, uniform
from bridgebench.methods.training.parallel import ours

_BATCHES = 3  # an official iteration reads three: images, references, second references
_MOST_BATCHES = 8


@dataclass(frozen=True)
class Pairing:
    """A conversion, two batches of references (N, 3, H, W) of the target domains, and two of noise (N, noise_size)."""

    given: Conversion
    references: tuple[Tensor, Tensor]
    noises: tuple[Tensor, Tensor]

    def ours(self) -> Pairing:
        """The part that this process computes."""
        references, noises = ((ours(one), ours(other)) for one, other in (self.references, self.noises))
        return Pairing(Conversion(*map(ours, self.given)), references, noises)


def draw_pairing(
    next_batch: Callable[[], Batch],
    domains: DomainIndex,
    noise_size: int,
    crop: float,
    flip: bool,
    generator: torch.Generator,
) -> Pairing:
    """Draws all inputs of one iteration.

    As in the official loaders, domains are equally likely, and targets are drawn independently, so a target may be the
    source domain. Images come from three batches; none is used again before all others of its domain were used. A pair
    of references needs two images: while a domain has fewer, more batches are read (eight in total at most).

    Args:
        next_batch: returns images and labels.
        domains: reads the domains from the labels.
        noise_size: length of the noise.
        crop, flip: see `augment`; the flip's probability is 0.5.
        generator: source of all randomness.

    Raises:
        UserError: labels that give no valid domains.
    """
    first = next_batch()
    images, which = [first.images], [domains.of(first.labels)]
    while len(images) < _BATCHES or (len(images) < _MOST_BATCHES and _rarest(which, domains.count) < 2):
        batch = next_batch()
        images.append(batch.images)
        which.append(domains.of(batch.labels))
    pool, found = torch.cat(images), torch.cat(which).cpu()
    count, device = len(first.images), first.images.device
    decks = {int(domain): _deck(found, int(domain), generator) for domain in found.unique()}
    present = torch.tensor(list(decks))
    sources, targets = (present[torch.randint(len(present), (count,), generator=generator)] for _ in range(2))
    chosen = [next(decks[domain]) for domain in sources.tolist()]
    pairs = [(next(decks[domain]), next(decks[domain])) for domain in targets.tolist()]
    rows = torch.tensor([*chosen, *(one for one, _ in pairs), *(other for _, other in pairs)])
    drawn = augment(pool[rows.to(device)], crop, flip, generator)
    source, reference, second = drawn.split(count)
    noise, other = (torch.randn(count, noise_size, generator=generator).to(device) for _ in range(2))
    return Pairing(Conversion(source, sources.to(device), targets.to(device)), (reference, second), (noise, other))


def augment(images: Tensor, crop: float, flip: bool, generator: torch.Generator) -> Tensor:
    """Crops and mirrors each image at random, independently of the others: (N, 3, H, W) -> the same shape.

    Args:
        images: square images.
        crop: probability of a crop of 80 to 100 % of the area, with a ratio of sides in [1/1.1, 1.1] (a side longer
            than the image is shortened to it); the crop is enlarged to the full size (bilinear).
        flip: mirror with probability 0.5.
        generator: source of all randomness.
    """
    count, device = len(images), images.device
    cut, area, ratio, left, top, mirror = (uniform(count, generator, device) for _ in range(6))
    # From here on, a crop is given by half its sides and its centre, in units of half an image.
    area, ratio = 0.8 + 0.2 * area, torch.exp((2 * ratio - 1) * torch.tensor(1.1).log())
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2], theta[:, 1, 2] = (2 * left - 1) * (1 - width), (2 * top - 1) * (1 - height)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    windows = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    images = torch.where((cut < crop).view(-1, 1, 1, 1), windows, images)
    return torch.where((mirror < 0.5).view(-1, 1, 1, 1), images.flip(3), images) if flip else images


def _rarest(which: list[Tensor], count: int) -> int:
    return int(torch.cat(which).bincount(minlength=count).min())


def _deck(found: Tensor, domain: int, generator: torch.Generator) -> Iterator[int]:
    """The positions of a domain's images in one random order, repeated without end."""
    places = (found == domain).nonzero()[:, 0]
    return cycle(places[torch.randperm(len(places), generator=generator)].tolist())
