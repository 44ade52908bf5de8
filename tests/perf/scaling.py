"""Wall time of evaluation against images, cells and workers, with the fitted slope.

CPU seconds of one process for images and cells; for workers the clock's, since they are there to save it: on a machine
that does other work as well, two workers cannot show what they can.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from tools.benches import SmallBench
from tools.clock import seconds_of
from tools.page import Section

from bridgebench.harness.benchmark.backends import run_jobs
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.methods.core.labels import CELEBA14

METHODS = ("bridgegan", "stargan")
IMAGES, CELLS, WORKERS = (25, 50, 100, 200), (2, 4, 6, 8), (1, 2)
EACH = 32  # images of a cell where cells or workers are counted


def fit(x: list[int], y: list[float]) -> tuple[float, float, float]:
    """Slope and intercept of a line, and how much of the variance it explains."""
    slope, start = np.polyfit(x, y, 1)
    left = np.asarray(y) - (slope * np.asarray(x) + start)
    return float(slope), float(start), float(1 - left.var() / np.var(y))


def by_images() -> list[float]:
    """Two methods, one column, more and more images."""
    found = []
    for count in IMAGES:
        with TemporaryDirectory() as folder:
            small = SmallBench(Path(folder), METHODS, count)
            small.open()
            found.append(seconds_of(partial(small.run, "label", "Smiling"))[1])
    return found


def by_cells() -> list[float]:
    """Two methods, more and more columns."""
    found = []
    for cells in CELLS:
        with TemporaryDirectory() as folder:
            small = SmallBench(Path(folder), METHODS, EACH)
            small.open()

            def columns(small: SmallBench = small, cells: int = cells) -> None:
                for attribute in CELEBA14[: cells // len(METHODS)]:
                    small.run("label", attribute)

            found.append(seconds_of(columns)[1])
    return found


def by_workers() -> list[float]:
    """Four columns by one and by two worker processes, in seconds of the clock, the start of the workers included."""
    found = []
    for workers in WORKERS:
        with TemporaryDirectory() as folder:
            small = SmallBench(Path(folder), METHODS, EACH)
            small.open()
            key = small.bench.protocol.hash
            jobs = [Job(small.setup, key, "label", name, tuple(small.cells("label", name))) for name in CELEBA14[:4]]
            start = time.perf_counter()
            failed = [cell for names in _run(jobs, workers) for cell in names]
            found.append(time.perf_counter() - start)
            assert not failed
    return found


def _run(jobs: list[Job], workers: int) -> list[list[str]]:
    return list(run_jobs(run_job, jobs, backend="local", scheduler=None, workers=workers))


def main() -> None:
    """Three tables."""
    torch.set_num_threads(1)
    section = Section("scaling")
    for what, counts, seconds, unit in (
        ("images of a cell", IMAGES, by_images(), 1000 / len(METHODS)),
        ("cells", CELLS, by_cells(), 1.0),
    ):
        slope, start, explained = fit(list(counts), seconds)
        section.table([what, *map(str, counts)], [["CPU s", *seconds]])
        per = f"{slope * unit:.1f} ms an image and method" if unit != 1.0 else f"{slope:.2f} s a cell of {EACH} images"
        section.say(f"Slope {per}, intercept {start:.2f} s, R² {explained:.4f}: linear.")
    clock = by_workers()
    section.table(["workers", *map(str, WORKERS)], [["s of the clock", *clock]])
    section.say(f"8 cells of {EACH} images: two workers are {clock[0] / clock[1]:.2f} times as fast as one.")
    section.finish()


if __name__ == "__main__":
    main()
