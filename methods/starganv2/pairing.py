"""The inputs of one StarGAN v2 iteration: images of balanced domains, targets, pairs of references, noise."""

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

_BATCHES = 3  # images, references, second references: what an official iteration reads
_MOST_BATCHES = 8


@dataclass(frozen=True)
class Pairing:
    """A conversion, its references (N, 3, H, W), two of each target domain, and two noises (N, noise_size)."""

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
    """Draws all that one iteration needs.

    As in the official loaders, domains are equally likely, and the target is drawn on its own: it may be the source's
    domain. Images are dealt from three batches, no image twice before all of its domain were; where a domain has less
    than the two that a pair of references takes, more batches are read (eight at most).

    Args:
        next_batch: gives images and labels.
        domains: reads the labels.
        noise_size: of the noise.
        crop, flip: see `augment`; the flip's probability is 0.5.
        generator: of all randomness.

    Raises:
        UserError: labels that are no domains.
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
    """Cuts and mirrors at random, each image for itself: (N, 3, H, W) -> the same shape.

    Args:
        images: square ones.
        crop: probability of cutting out 80 to 100 % of the area, its sides' ratio in [0.9, 1.1] (a side longer than
            the image becomes as long as it), enlarged again (bilinear).
        flip: mirror with probability 0.5.
        generator: of all randomness.
    """
    count, device = len(images), images.device
    cut, area, ratio, left, top, mirror = (uniform(count, generator, device) for _ in range(6))
    # From here a window's half sides and centre, in units of half an image.
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
    """The places of a domain's images in random order, again and again."""
    places = (found == domain).nonzero()[:, 0]
    return cycle(places[torch.randperm(len(places), generator=generator)].tolist())
