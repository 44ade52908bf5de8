"""A few iterations of every trainable method on drawn numbers, in one process or as one of several."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, distributed

from bridgebench import methods
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.training.base import Batch

sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))
from tiny_homogan import Grey

SIDE, COUNT, ITERATIONS = 32, 24, 3
SIZES = {"width": 4, "discriminator_width": 4, "learning_rate": 1e-3}
# Small networks and even batches; where a method skips work in some iterations, three of them reach all of it.
RECIPES: dict[str, dict[str, Any]] = {
    "bridgegan": {
        **SIZES, "code_channels": 4, "spade_hidden": 4, "encoder_width": 4, "encoder_blocks": 1, "mapping_blocks": 3,
        "batch_size": 4, "iterations": 8, "n_critic": 2, "warmup": 1, "ramp": 2, "share_fakes": True,
    },
    "elegant": {**SIZES, "blocks": 3, "batch_size": 2, "iterations": 8},
    "homogan": {
        "width": 4, "levels": 2, "batch_size": 4, "iterations": 8, "encoder_every": 2, "warmup": 1,
        "learning_rate": 1e-3, "warmup_learning_rate": 1e-3,
    },
    "smit": {**SIZES, "blocks": 1, "downsamplings": 2, "batch_size": 4, "iterations": 8, "decay_iterations": 0},
    "stargan": {**SIZES, "blocks": 1, "batch_size": 4, "iterations": 8, "n_critic": 2, "decay": "none"},
    "starganv2": {
        "width": 4, "widest": 8, "style_size": 8, "noise_size": 4, "mapping_width": 16, "batch_size": 4,
        "attribute": "Male", "iterations": 8, "diversity_iterations": 4,
        "learning_rate": 1e-3, "mapping_learning_rate": 1e-3,
    },
    "stgan": {**SIZES, "unit_width": 3, "layers": 3, "discriminator_hidden": 8, "batch_size": 4, "n_critic": 2},
}  # fmt: skip


def run(name: str) -> dict[str, Any]:
    """Losses by iteration (means over the processes), and how far each tensor of the training moved in the end."""
    from bridgebench.harness.train.loop import _mean_over_processes

    training = methods.start_training(name, RECIPES[name], CELEBA14, SIDE, COUNT, 0)
    if hasattr(training, "attach_features"):
        training.attach_features(Grey())
    for role, optimizer in training.optimizers.items():
        # Adam would make whole steps of the rounding noise of gradients that are zero: compare the gradients as such.
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        training.optimizers[role] = torch.optim.SGD(parameters, 1e-3)
    next_batch, generator = batches(training.batch_size), torch.Generator().manual_seed(1)
    start, losses = tensors_of(training), []
    for _ in range(ITERATIONS):
        found = _mean_over_processes(training.step(next_batch, generator))
        losses.append({term: float(value) for term, value in found.items()})
    moved = {name: tensor - start[name] for name, tensor in tensors_of(training).items()}
    return {"losses": losses, "moved": moved}


def tensors_of(training: Any) -> dict[str, Tensor]:
    """Weights and buffers of a training, copied."""
    state = {name: value for name, value in training.state_dict().items() if isinstance(value, Tensor)}
    return {name: value.detach().double() for name, value in state.items()}


def batches(size: int) -> Callable[[], Batch]:
    """The same smooth images with random labels round and round."""
    draw = torch.Generator().manual_seed(5)
    labels = (torch.rand(COUNT, len(CELEBA14), generator=draw) < 0.5).float()
    images = F.interpolate(torch.rand(COUNT, 3, 4, 4, generator=draw) * 2 - 1, size=SIDE, mode="bilinear")
    whole, places = Batch(images, labels, torch.arange(COUNT)), itertools.count()

    def next_batch() -> Batch:
        rows = (torch.arange(size) + size * next(places)) % COUNT
        return Batch(*(part[rows] for part in whole))

    return next_batch


def process(rank: int, count: int, folder: Path) -> None:
    """One of `count` processes: runs every method and leaves what it found in ``folder/RANK.pt``."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count)
    torch.save({name: run(name) for name in RECIPES}, folder / f"{rank}.pt")
    distributed.destroy_process_group()
