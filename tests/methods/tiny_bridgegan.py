"""The smallest BridgeGAN that trains, and a few images to train it on: what the tests of its training start from."""

from __future__ import annotations

import itertools

import torch

from bridgebench import methods
from bridgebench.methods.training.base import Batch

ATTRIBUTES = ("Bangs", "Male", "Young")
SIDE, COUNT = 32, 8
TINY = {
    "width": 4,
    "code_channels": 4,
    "spade_hidden": 6,
    "noise_size": 4,
    "encoder_width": 4,
    "encoder_blocks": 1,
    "mapping_blocks": 3,
    "discriminator_width": 4,
    "discriminator_blocks": 3,
    "batch_size": 4,
    "n_critic": 2,
    "iterations": 40,
}


def smooth_batch() -> Batch:
    """Smooth images with random labels."""
    draw = torch.Generator().manual_seed(5)
    smooth = torch.nn.functional.interpolate(torch.rand(COUNT, 3, 4, 4, generator=draw), size=SIDE, mode="bilinear")
    labels = torch.randint(0, 2, (COUNT, len(ATTRIBUTES)), generator=draw).float()
    return Batch(smooth * 2 - 1, labels, torch.arange(COUNT))


def batches(data: Batch, size: int = 4, start: int = 0):
    """`next_batch` as a training loop gives it: the data round and round."""
    places = itertools.count(start)

    def next_batch() -> Batch:
        rows = (torch.arange(size) + size * next(places)) % COUNT
        return Batch(*(part[rows] for part in data))

    return next_batch


def training(seed: int = 0, **table):
    return methods.start_training("bridgegan", {**TINY, **table}, ATTRIBUTES, SIDE, COUNT, seed)


def trained(made, data: Batch, iterations: int, draw: torch.Generator, start: int = 0) -> list[dict[str, float]]:
    next_batch = batches(data, made.batch_size, start)
    return [{k: float(v) for k, v in made.step(next_batch, draw).items()} for _ in range(iterations)]


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    ours, theirs = a.state_dict(), b.state_dict()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
