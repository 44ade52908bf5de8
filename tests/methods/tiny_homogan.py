"""The smallest HomoGAN that trains, and a few images to train it on."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench import methods
from bridgebench.methods.homogan.training import HomoGANTraining
from bridgebench.methods.training.base import Batch

ATTRIBUTES = ("Bangs", "Smiling", "Male", "Mouth_Slightly_Open")
SIDE, COUNT = 32, 24
TINY = {"width": 4, "levels": 2, "batch_size": 6, "iterations": 8, "learning_rate": 1e-3, "encoder_every": 2}


class Grey:
    """A feature network without weights: the image in grey, at a quarter and an eighth of its side."""

    name = "grey"

    def fine(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images.mean(1, keepdim=True), 4)

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.fine(images), F.avg_pool2d(images, 8)


def smooth_images() -> Batch:
    """Smooth images whose first attribute is their brightness."""
    draw = torch.Generator().manual_seed(5)
    labels = (torch.rand(COUNT, 4, generator=draw) < 0.5).float()
    coarse = torch.rand(COUNT, 3, 4, 4, generator=draw) * 0.8 + labels[:, :1, None, None] - 0.9
    return Batch(F.interpolate(coarse, size=SIDE, mode="bilinear"), labels, torch.arange(COUNT))


def batches(data: Batch, start: int = 0):
    """`next_batch` as a training loop gives it: the data round and round."""
    places = itertools.count(start)

    def next_batch() -> Batch:
        rows = (torch.arange(6) + 6 * next(places)) % COUNT
        return Batch(*(part[rows] for part in data))

    return next_batch


def training(seed: int = 0, **table) -> HomoGANTraining:
    made = methods.start_training("homogan", {**TINY, **table}, ATTRIBUTES, SIDE, COUNT, seed)
    made.attach_features(Grey())
    return made


def changed(before: torch.nn.Module, after: torch.nn.Module) -> set[str]:
    """The parts of a training whose parameters moved."""
    ours, theirs = dict(before.named_parameters()), dict(after.named_parameters())
    assert ours.keys() == theirs.keys()
    moved = [name.split(".") for name in ours if not torch.equal(ours[name], theirs[name])]
    return {".".join(name[:2]) if name[0] == "editor" else name[0] for name in moved}
