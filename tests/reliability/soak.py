"""Kills, bad inputs and misbehaving plug-ins for as long as asked; goes on where its last call stopped.

    python tests/reliability/soak.py [--hours 1]

Each step is one of the other scripts with a new seed, and adds its counts to ``figures.json``; a step that is cut short
is begun again by the next call, and the last one may end some minutes late. Inputs that show a bug, and the words of
steps that failed, are kept in ``soak/`` of the cache's folder. The exit code is 1 if a step failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import subprocess
import sys
import time
from pathlib import Path

from figures import FIGURES, REPORT, add, known, report

from bridgebench.harness.processes.user_cache import default_cache_dir

# About a third of the time each for the readers and the plug-ins, the rest for the kills.
ROUND = (
    "fuzz.py --count 5000 --keep KEEP",
    "kills.py --only benchmark --kills 40",
    "kills.py --only training --kills 40",
    "guided.py --seconds 20 --keep KEEP",
    "kills.py --only prepare --kills 20",
    "kills.py --only report --kills 20",
    "kills.py --only publish --kills 20",
    "kills.py --only merge --kills 8",
    "kills.py --only pack --kills 4",
    "kills.py --only unpack --kills 8",
    "fuzz.py --count 5000 --keep KEEP",
    "plugins.py --variants 20",
    "kills.py --only two --kills 4",
    "kills.py --only dask --kills 4",
    "pods.py --kills 6",
)


def soak(hours: float, folder: Path) -> int:
    """Takes step after step until the time is over; returns how many failed."""
    end, failed = time.monotonic() + 3600 * hours, 0
    guided = importlib.util.find_spec("atheris") is not None
    for number in itertools.count(known().get("soak", {}).get("steps", 0)):
        if time.monotonic() > end:
            break
        step = ROUND[number % len(ROUND)].replace("KEEP", str(folder / "inputs"))
        script, *options = step.split()
        command = [sys.executable, str(FIGURES.with_name(script)), *options, "--seed", str(number)]
        log = folder / "log.txt"
        if script == "guided.py" and not guided:
            print("There is no atheris here (extra soak), so that no input is guided by coverage.", flush=True)
            status = 0
        else:
            with log.open("w") as words:
                status = subprocess.run(command, stdout=words, stderr=words, check=False).returncode
        if status:
            failed += 1
            log.replace(folder / f"failed-{number}.txt")
        print(
            f"step {number}, {step}: {f'FAILED ({status}), see {folder}/failed-{number}.txt' if status else 'good'}",
            flush=True,
        )
        add("soak", {"steps": 1, "failed": int(status != 0)})
        REPORT.write_text(report(known()))
    return failed


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=1.0)
    given = parser.parse_args()
    folder = default_cache_dir() / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    return int(soak(given.hours, folder) > 0)


if __name__ == "__main__":
    sys.exit(main())
