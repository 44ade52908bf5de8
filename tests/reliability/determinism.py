"""Measures whether every method gives the same bytes again, with other workers and on Dask; and what a batch changes.

    python tests/reliability/determinism.py [--profile faces64]

Some columns and images of the shipped profiles, by all their methods with the shipped weights; some minutes. The exit
code is 1 if a file differs that must not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from figures import known, record

from bridgebench.harness.benchmark.backends import run_jobs
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, groups, select
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.profiles.profile import Profile, load_profile

IMAGES, OTHER_BATCH = 8, 5
COLUMNS = {"faces64": ("Bangs", "Male"), "animals64": ("cat2dog",)}
FEW = {"n": IMAGES, "minimum_n": 4}
DRAWS = {"faces64": {"diversity_images": 2, "diversity_draws": 2}, "animals64": {"outputs": 2}}
REALS = {"train": 120, "validation": 12, "test": 60}  # of the animals: the real side of their distances
FOLDERS = ("cells", "samples", "details", "grids", "cache")
Files = dict[str, bytes]


def run(profile: Profile, out: Path, backwards: bool = False, **where: Any) -> Files:
    """Makes the cells of some columns in a run directory; its files by path."""
    setup = Setup(profile, None, None if profile.space.exclusive else IMAGES, out)
    bench = workbench(setup)
    bench.keep_features()
    entries, left_out = select(profile, None, has_truth=bench.test.has_truth)
    assert not left_out, left_out
    cells = all_cells(entries, COLUMNS[profile.name], bench.protocol.hash)
    jobs = [Job(setup, bench.protocol.hash, *place, tuple(some)) for place, some in groups(cells).items()]
    jobs = jobs[::-1] if backwards else jobs
    failed = [name for names in run_jobs(run_job, jobs, scheduler=None, **where) for name in names]
    assert not failed, failed
    paths = [path for folder in FOLDERS for path in sorted((out / folder).rglob("*")) if path.is_file()]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def same(one: Files, two: Files) -> dict[str, int]:
    """How many files there are, and how many of them are the same to the byte."""
    names = one.keys() | two.keys()
    return {"files": len(names), "identical": sum(one.get(name) == two.get(name) for name in names)}


def by_method(one: Files, two: Files) -> dict[str, dict[str, Any]]:
    """Of each method: its cells, those with the same numbers, and the largest relative difference of a measure."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(one):
        if not name.startswith("cells/"):
            continue
        before, after = (json.loads(files[name])["measures"] for files in (one, two))
        here = found.setdefault(name.split("/")[1], {"cells": 0, "identical": 0, "largest": 0.0, "measure": ""})
        here["cells"] += 1
        here["identical"] += before == after
        for measure in before:
            difference = _relative(before[measure].get("value"), after[measure].get("value"))
            if difference > here["largest"]:
                here.update(largest=difference, measure=measure)
    return found


def _relative(one: float | None, two: float | None) -> float:
    if one is None or two is None or one == two:
        return 0.0 if one == two else 1.0
    return abs(one - two) / max(abs(one), abs(two))


def measure(name: str, folder: Path) -> dict[str, Any]:
    """The figures of one profile."""
    shipped = load_profile(name)
    evaluation = shipped.evaluation.model_copy(update={**FEW, **DRAWS[name]})
    data = shipped.data.model_copy(update=REALS if shipped.space.exclusive else {})
    profile = shipped.model_copy(update={"evaluation": evaluation, "data": data})
    other = profile.model_copy(update={"evaluation": evaluation.model_copy(update={"batch": OTHER_BATCH})})
    first = run(profile, folder / "first", backend="local", workers=1)
    changes = {
        "nothing: run again": run(profile, folder / "again", backend="local", workers=1),
        "2 workers instead of 1, columns in the opposite order": run(
            profile, folder / "two", backwards=True, backend="local", workers=2
        ),
        "Dask with 2 workers": run(profile, folder / "dask", backend="dask", workers=2),
    }
    batches = run(other, folder / "batches", backend="local", workers=2)
    return {
        "images": IMAGES,
        "columns": list(COLUMNS[name]),
        "batch": evaluation.batch,
        "other_batch": OTHER_BATCH,
        "changes": {change: same(first, files) for change, files in changes.items()},
        "batches": by_method(first, batches),
    }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=COLUMNS, help="one of them; the figures of the other stay")
    given = parser.parse_args()
    found = dict(known("determinism").get("profiles", {})) if given.profile else {}
    for name in [given.profile] if given.profile else COLUMNS:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measure(name, Path(folder))
        record("determinism", {"profiles": found})
    every = [change for each in found.values() for change in each["changes"].values()]
    return 0 if all(each["identical"] == each["files"] for each in every) else 1


if __name__ == "__main__":
    sys.exit(main())
