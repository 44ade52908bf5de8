"""Fréchet and kernel distances against clean-fid's, on the same features in the same run: ratios of wall time.

Run by `nox -s perf`, or alone: `python tests/perf/frechet.py`. Features are standard normal with a shifted mean, 2,048
wide as Inception's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from cleanfid import fid

from eval.frechet import RealStatistics, frechet_distance
from eval.kernel import kernel_distance

DIMENSION = 2048
COUNTS = (200, 1000)


def timed(function: Callable[[], float]) -> tuple[float, float]:
    """What the function returns, and the seconds it took."""
    start = time.perf_counter()
    value = function()
    return value, time.perf_counter() - start


def compare(count: int, real: np.ndarray, fake: np.ndarray) -> None:
    """Prints a line a measure: both values, both times, their ratio."""
    cached = RealStatistics(real)
    cached.distance(fake[:2])  # what is cached is made at the first use
    rows: list[tuple[str, Callable[[], float], Callable[[], float]]] = [
        ("Fréchet", lambda: fid.fid_from_feats(real, fake), lambda: frechet_distance(real, fake)),
        ("Fréchet, real cached", lambda: fid.fid_from_feats(real, fake), lambda: cached.distance(fake)),
        ("kernel", lambda: fid.kernel_distance(real, fake), lambda: kernel_distance(real, fake)[0]),
    ]
    for name, theirs, ours in rows:
        (a, seconds_a), (b, seconds_b) = timed(theirs), timed(ours)
        ratio = seconds_a / seconds_b
        print(f"{count:>6}  {name:<22}{a:>12.5f}{b:>12.5f}{seconds_a:>10.3f}{seconds_b:>10.3f}{ratio:>8.1f}")


def main() -> None:
    """Compares at each number of images."""
    rng = np.random.default_rng(0)
    print(f"{'N':>6}  {'measure':<22}{'clean-fid':>12}{'ours':>12}{'seconds':>10}{'seconds':>10}{'ratio':>8}")
    for count in COUNTS:
        compare(count, rng.standard_normal((count, DIMENSION)), rng.standard_normal((count, DIMENSION)) + 0.1)


if __name__ == "__main__":
    main()
