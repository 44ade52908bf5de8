"""Measures whether a benchmark gives the same numbers with other workers, another batch, or again.

python tests/reliability/determinism.py [--profile faces64] [--limit 24] [--methods bridgegan,stargan,attack]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from figures import record

ROOT = Path(__file__).parent.parent.parent


def run(profile: Path, out: Path, given: argparse.Namespace, workers: int) -> dict[str, Any]:
    """The measures of all cells of a run, by place."""
    options = ["--limit", str(given.limit), "--methods", given.methods, "--workers", str(workers)]
    command = [sys.executable, "-m", "harness", "benchmark", "--profile", str(profile), "--out", str(out), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return {
        str(path.relative_to(out)): json.loads(path.read_text())["measures"]
        for path in sorted(out.glob("cells/*/*/*.json"))
    }


def compare(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """How many cells are the same, and the largest relative difference of a value."""
    assert one.keys() == two.keys()
    largest = 0.0
    for place, measures in one.items():
        for name, measure in measures.items():
            before, after = measure.get("value"), two[place][name].get("value")
            if before is not None and after is not None and before != after:
                largest = max(largest, abs(before - after) / max(abs(before), abs(after)))
    identical = sum(json.dumps(one[place]) == json.dumps(two[place]) for place in one)
    return {"cells": len(one), "identical": identical, "largest": largest}


def main() -> int:
    """The command line; exit code 1 if other workers change a number."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="faces64")
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--methods", default="bridgegan,stargan,attack")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    text = (ROOT / "harness" / "profiles" / f"{given.profile}.toml").read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / f"{given.profile}.toml"  # its name finds its weights
        profile.write_text(text)
        first = run(profile, folder / "first", given, 1)
        again = run(profile, folder / "again", given, 1)
        workers = run(profile, folder / "workers", given, 2)
        profile.write_text(re.sub(r"(?m)^batch = \d+", "batch = 7", text, count=1))
        batch = run(profile, folder / "batch", given, 2)
    changes = {
        "nothing (run again)": compare(first, again),
        "2 workers instead of 1": compare(first, workers),
        "batches of 7 images": compare(first, batch),
    }
    facts = {"profile": given.profile, "limit": given.limit, "methods": given.methods.split(",")}
    record("determinism", {**facts, "changes": changes})
    return 0 if all(each["identical"] == each["cells"] for each in list(changes.values())[:2]) else 1


if __name__ == "__main__":
    sys.exit(main())
