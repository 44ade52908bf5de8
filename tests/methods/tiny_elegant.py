"""The smallest ELEGANT that trains, and a few images to train it on."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F

from bridgebench import methods
from bridgebench.methods.elegant.training import ElegantTraining
from bridgebench.methods.training.base import Batch

ATTRIBUTES = ("Bangs", "Male", "Young")
TINY = {"width": 4, "blocks": 3, "discriminator_width": 4, "batch_size": 3, "iterations": 8, "learning_rate": 1e-3}
SIDE, COUNT = 32, 24


def smooth_images() -> Batch:
    """Smooth images whose first attribute is their brightness; only a few are Young."""
    draw = torch.Generator().manual_seed(5)
    labels = (torch.rand(COUNT, 3, generator=draw) < torch.tensor([0.5, 0.5, 0.1])).float()
    labels[7, 2] = 1
    coarse = torch.rand(COUNT, 3, 4, 4, generator=draw) * 0.8 + labels[:, :1, None, None] - 0.9
    return Batch(F.interpolate(coarse, size=SIDE, mode="bilinear"), labels, torch.arange(COUNT))


def batches(data: Batch, start: int = 0):
    """`next_batch` as a training loop gives it: the data round and round, and how many it gave."""
    places = itertools.count(start)
    taken: list[int] = []

    def next_batch() -> Batch:
        taken.append(next(places))
        rows = (torch.arange(6) + 6 * taken[-1]) % COUNT
        return Batch(*(part[rows] for part in data))

    return next_batch, taken


def training(seed: int = 0, **table) -> ElegantTraining:
    return methods.start_training("elegant", {**TINY, **table}, ATTRIBUTES, SIDE, COUNT, seed)


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    ours, theirs = dict(a.named_parameters()), dict(b.named_parameters())
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
