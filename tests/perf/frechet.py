"""Fréchet and kernel distances against clean-fid's, on the same features in the same run: ratios of CPU time.

Run by `nox -s perf`, or alone: `python tests/perf/frechet.py`. Features are standard normal with a shifted mean, 2,048
wide as Inception's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cleanfid import fid
from tools.clock import seconds_of
from tools.page import Section

from bridgebench.eval.distances.frechet import RealStatistics, frechet_distance
from bridgebench.eval.distances.kernel import KernelReal, kernel_distance

DIMENSION = 2048
WANTED = {(1000, "Fréchet"): 40, (5000, "Fréchet"): 3, (5000, "Fréchet, real side kept"): 6, (1000, "kernel"): 40}
TOLERANCE = 1e-3
REPEATS = 2  # of ours; clean-fid's half a minute is taken once


def least(function: Callable[[], float]) -> tuple[float, float]:
    """What the function returns, and the least of its CPU seconds."""
    runs = [seconds_of(function) for _ in range(REPEATS)]
    return runs[0][0], min(seconds for _, seconds in runs)


def compare(count: int, real: np.ndarray, fake: np.ndarray) -> list[list[object]]:
    """A row a measure: both values, both times, their ratio, and what was wanted."""
    kept, kernel = RealStatistics(real), KernelReal(real)
    kept.distance(fake[:2]), kernel.distance(fake[:3])  # what is kept is made at the first use
    rows: list[list[object]] = []
    peers: list[tuple[Callable[[], float], list[tuple[str, Callable[[], float]]]]] = [
        (
            lambda: float(fid.fid_from_feats(real, fake)),
            [
                ("Fréchet", lambda: frechet_distance(real, fake)),
                ("Fréchet, real side kept", lambda: kept.distance(fake)),
            ],
        ),
        (
            lambda: float(fid.kernel_distance(real, fake)),
            [
                ("kernel", lambda: kernel_distance(real, fake)[0]),
                ("kernel, real side kept", lambda: kernel.distance(fake)[0]),
            ],
        ),
    ]
    for theirs, ours in peers:
        value, seconds = seconds_of(theirs)
        for name, function in ours:
            found, taken = least(function)
            off = abs(found - value) / abs(value)
            wanted = WANTED.get((count, name), "")
            rows.append([count, name, value, off, seconds, taken, seconds / taken, f"≥ {wanted}" if wanted else ""])
    return rows


def main() -> None:
    """Compares at each number of images."""
    section, rng = Section("frechet"), np.random.default_rng(0)
    head = ["N", "measure", "clean-fid's value", "off by (relative)", "clean-fid, s", "ours, s", "ratio", "wanted"]
    rows: list[list[object]] = []
    for count in (1000, 5000):
        rows += compare(count, rng.standard_normal((count, DIMENSION)), rng.standard_normal((count, DIMENSION)) + 0.1)
    section.table(head, rows)
    worst = max(float(str(row[3])) for row in rows if str(row[1]).startswith("Fréchet"))
    assert worst < TOLERANCE, f"a Fréchet distance is off by {worst}"
    section.finish()


if __name__ == "__main__":
    main()
