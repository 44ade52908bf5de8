"""Misbehaving plug-ins in one benchmark with `identity`, whose cells must keep every byte.

    python tests/reliability/plugins.py [--variants 100] [--seed 0]

Draws variants of the zoo (`misbehaving`): what an animal does wrong, and when: at its import, in its constructor, in a
property, at its second edit, in a thread of its own, twice an edit. Its counts are added to those in
``figures.json``. The exit code is 1 if a byte of `identity` differs, a failed cell has no words, or a cell has other
numbers than `identity`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from figures import add
from misbehaving import MOMENTS, NAMES
from zoo_runs import ATTRIBUTES, files_of, installed, write_photos, write_profile

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark.runner import run_benchmark


def soak(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Runs a benchmark alone, and with so many variants before `identity` in its only worker; counts what comes out."""
    for name in ("site", "photos", "profile"):
        (folder / name).mkdir()
    draw = random.Random(seed)
    variants = sorted(draw.sample([f"{name}_at_{moment}" for name in NAMES for moment in MOMENTS], count))
    draw.shuffle(variants)
    photos, profile = write_photos(folder / "photos"), write_profile(folder / "profile")

    def run(name: str, methods: list[str]) -> Path:
        run_benchmark(profile, folder / name, methods=methods, workers=1, data_root=photos, say=lambda line: None)
        return folder / name

    alone = run("alone", ["identity"])
    started = time.monotonic()
    with installed(folder / "site", variants):
        together = RunDirectory(run("together", [*variants, "identity"]))
    ends = Counter(_end(together, name, attribute) for name in variants for attribute in ATTRIBUTES)
    return {
        "benchmarks": 1,
        "variants": count,
        "cells": count * len(ATTRIBUTES),
        "ends": dict(sorted(ends.items())),
        "identical": int(files_of(together.root, "identity") == files_of(alone, "identity")),
        "seconds": round(time.monotonic() - started),
    }


def _end(run: RunDirectory, name: str, attribute: str) -> str:
    error, cell = run.error_file(name, "label", attribute), run.cell_file(name, "label", attribute)
    if error.is_file():
        lines = error.read_bytes().decode().splitlines()
        return "failed" if lines and all(line.isprintable() for line in lines) else "WITHOUT WORDS"
    if not cell.is_file():
        return "LOST"
    numbers = [
        json.loads(run.cell_file(each, "label", attribute).read_text())["measures"] for each in (name, "identity")
    ]
    return "the numbers of identity" if numbers[0] == numbers[1] else "OTHER NUMBERS"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = soak(Path(name), given.variants, given.seed)
    print(json.dumps(found))
    add("plugins", found)
    return int(not found["identical"] or not {"failed", "the numbers of identity"} >= found["ends"].keys())


if __name__ == "__main__":
    sys.exit(main())
