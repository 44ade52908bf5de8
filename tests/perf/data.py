"""How fast embedded faces and animals are drawn, and how fast the cache of drawn images is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from tools.clock import seconds_of
from tools.page import Section

from bridgebench.eval.judges.classifier import to_float
from bridgebench.harness.data.animals.dataset import load_animals
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import load_profile

SIZE, DRAWN, BATCH = 64, 100, 64
DRAWN_WANTED, READ_WANTED = 70, 50_000
RUNS = 2


def draw(load: Callable[..., ImageSet]) -> float:
    """Images a second of one core, drawn into an empty cache."""
    best = float("inf")
    for _ in range(RUNS):
        with TemporaryDirectory() as folder:
            call = partial(load, "test", DRAWN, SIZE, cache_dir=Path(folder))
            best = min(best, seconds_of(call)[1])
    return DRAWN / best


def read(images: ImageSet, use: Callable[[NDArray[np.uint8]], object]) -> float:
    """Images a second, in batches of random order as training reads them, each given to `use`."""
    order = np.random.default_rng(0).permutation(len(images.labels))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

    def once() -> None:
        for batch in batches:
            use(np.asarray(images.images[batch]))

    return len(order) / min(seconds_of(once)[1] for _ in range(1 + 3 * RUNS))


def main() -> None:
    """Draws and reads both data sets."""
    torch.set_num_threads(1)
    section = Section("data")
    rows: list[list[object]] = []
    for name, load in (("faces64", load_faces), ("animals64", load_animals)):
        images = open_split(load_profile(name), "test")
        read_wanted = f"≥ {READ_WANTED:,}"
        rows.append([name, draw(load), f"≥ {DRAWN_WANTED}", read(images, len), read_wanted, read(images, to_float)])
    head = ["images", "drawn a second, one core", "wanted", "read a second", "wanted", "read as floats a second"]
    section.table(head, rows)
    section.say("Read from the memory map of the test images, which the system has in memory after the first pass.")
    section.finish()


if __name__ == "__main__":
    main()
