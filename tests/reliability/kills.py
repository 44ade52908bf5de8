"""Kills benchmarks and trainings at random instants until they are done, and compares them with undisturbed ones.

    python tests/reliability/kills.py [--kills 120] [--minutes 60] [--seed 0] [--only benchmark]

Takes some minutes on two cores; a part kills no more once its minutes are over. Its figures go into ``figures.json``
beside it; `figures.py` makes ``tests/RELIABILITY.md`` of them. The exit code is 1 if a record differs or a worker
outlives its run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from commands import import_all
from figures import known, record
from killing import Kills, Limit
from small_runs import OFTEN, SMALL, TRAINING, head

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_judges import small_judges

KEPT = ("cells", "samples", "details", "baselines.json", "summary.csv")


def benchmarks(folder: Path, limit: Limit, draw: random.Random, backend: str) -> Iterator[dict[str, Any]]:
    """Benchmarks that are killed; their workers alone, too. Gives the figures so far after each that ended."""
    profile = folder / "small.toml"
    judges = [f'{name} = "{path}"' for name, path in small_judges(folder, "kills.py").items()]
    profile.write_text("\n".join([head(), SMALL, "[weights]", *judges]))
    options = ["--profile", str(profile), "--methods", "identity"]
    arguments = ["benchmark", *options, "--backend", backend]
    every = Kills(f"benchmark, {backend}", "", arguments, folder, draw, limit, forks=backend == "local")
    outs = [files_of(out) for out in every.undisturbed(folder / f"whole {backend}")]
    expected, killed = outs[0], every.out
    identical = runs = 0
    if outs[-1] != expected:
        raise SystemExit("a forked benchmark has other bytes than a usual one")
    kinds = ["SIGKILL", "SIGTERM", "SIGINT", "worker SIGKILL"]
    while every.goes_on():
        if every.once(kinds, ["--workers", draw.choice("12")]) is None:
            continue
        runs += 1
        identical += files_of(killed) == expected
        shutil.rmtree(killed)
        yield _summary(every, runs, identical)


def files_of(run: Path) -> dict[str, bytes]:
    paths = [path for name in KEPT for path in (run / name, *(run / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def trainings(folder: Path, limit: Limit, draw: random.Random, devices: int) -> Iterator[dict[str, Any]]:
    """Trainings that are killed and resumed; gives the same."""
    profile = folder / "tiny.toml"
    profile.write_text(head() + SMALL + TRAINING)
    arguments = ["train", "stargan", "--profile", str(profile), "--processes", str(devices)]
    every = Kills(f"training by {devices}", OFTEN, arguments, folder, draw, limit, forks=devices == 1)
    outs = [state_of(out) for out in every.undisturbed(folder / f"whole {devices}")]
    expected, killed = outs[0], every.out
    identical = runs = 0
    if not same(outs[-1], expected):
        raise SystemExit("a forked training has another checkpoint than a usual one")
    kinds = ["SIGKILL", "SIGTERM", "SIGINT"]
    while every.goes_on():
        begun = (killed / "checkpoint.pt").is_file()
        if every.once(kinds, ["--resume"] if begun else []) is None:
            continue
        runs += 1
        identical += same(expected, state_of(killed))
        shutil.rmtree(killed)
        yield _summary(every, runs, identical)


def state_of(folder: Path) -> Any:
    """A checkpoint without the time that was spent."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    state["progress"].pop("seconds")
    return state


def same(one: Any, two: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


def _summary(every: Kills, runs: int, identical: int) -> dict[str, Any]:
    return {
        "kills": every.kinds.total(),
        "kinds": dict(sorted(every.kinds.items())),
        "runs": runs,
        "identical": identical,
        "orphans": every.orphans,
        "clean_stops": len(every.stops),
        "median_clean_stop_seconds": round(statistics.median(every.stops or [0.0]), 2),
        "slowest_clean_stop_seconds": round(max(every.stops, default=0.0), 2),
        "half_written_after_clean_stops": every.half_written,
    }


# Each part, and its share of the kills in twelfths.
MEASURES: dict[str, tuple[Callable[[Path, Limit, random.Random], Iterator[dict[str, Any]]], int]] = {
    "benchmark": (lambda folder, limit, draw: benchmarks(folder, limit, draw, "local"), 6),
    "benchmark on Dask": (lambda folder, limit, draw: benchmarks(folder, limit, draw, "dask"), 1),
    "training": (lambda folder, limit, draw: trainings(folder, limit, draw, 1), 4),
    "training by two processes": (lambda folder, limit, draw: trainings(folder, limit, draw, 2), 1),
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for each part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=MEASURES, help="one part; the figures of the others stay")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    import_all()
    draw = random.Random(given.seed)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        for part in [given.only] if given.only else MEASURES:
            measure, share = MEASURES[part]
            limit = Limit(given.kills * share // 12, time.monotonic() + 60 * given.minutes)
            for figures in measure(Path(name), limit, draw):
                found[part] = {"seed": given.seed, **figures}
                record("kills", {**(known("kills") if given.only else {}), **found})
    wrong = (each["runs"] - each["identical"] + each["orphans"] for each in found.values())
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
