"""A shipped file's training can be had again: its first iterations have the losses that are in its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from harness.data.base import ImageSet
from harness.data.drawn.dataset import SEEDS
from harness.data.faces.identity import sample_identity
from harness.data.faces.labels import sample_labels
from harness.data.faces.render import render
from harness.profiles import Profile, load_profile
from harness.train import run as training_run
from harness.train.run import Run, Task
from methods.attributes import CELEBA14
from methods.weights import header, shipped

MOST = 10  # iterations: later ones of a GAN multiply what rounding does
TOLERANCE = 0.01  # relative: other kernels of other machines and versions of torch round bfloat16 otherwise


@dataclass
class _Drawn:
    """Faces that are drawn when they are looked at: all 20,000 would take minutes."""

    size: int

    def __getitem__(self, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        seeds = [SEEDS["train"][int(index)] for index in chosen]
        return np.stack([render(sample_labels(seed, balance=True), sample_identity(seed), self.size) for seed in seeds])


def lazy_split(profile: Profile, split: str, data_root: Path | None = None) -> ImageSet:
    """`open_split` of a profile of balanced embedded faces."""
    count = profile.data.train
    labels = np.stack([sample_labels(seed, balance=True) for seed in SEEDS["train"][:count]])
    ids = [str(k) for k in range(count)]
    return ImageSet(_Drawn(profile.data.image_size), labels, ids, CELEBA14, profile.data.image_size, "faces", "drawn")


NAMES = [name for name in ("bridgegan", "stargan") if shipped(name, "ablations").is_file()]


def stored(name: str) -> dict[str, Any]:
    return header(shipped(name, "ablations"))["card"]["curves"]["first"]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_iterations_have_the_losses_of_the_card(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_run, "open_split", lazy_split)
    profile, first = load_profile("ablations"), stored(name)
    task = Task(name, profile, tmp_path, None, False, profile.variant(name).seed, None)
    run = Run(Fabric(accelerator="cpu", devices=1), task)
    for row, iteration in enumerate(first["iterations"][:MOST]):
        losses = run.step()
        assert run.progress.iteration == iteration
        expected = {term: values[row] for term, values in first["losses"].items() if values[row] is not None}
        assert losses.keys() == expected.keys()
        for term, value in losses.items():
            assert float(torch.as_tensor(value)) == pytest.approx(expected[term], rel=TOLERANCE), term
