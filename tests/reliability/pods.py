"""A pod that is killed again and again, and started under another host name each time, ends with the undisturbed bytes.

    python tests/reliability/pods.py [--kills 10] [--seed 0]

A benchmark and a training in turn. Their locks see other machines' names only, so that they are taken over by the signs
of life alone; these are given every tenth of a second, and missed after one second, so that this takes minutes only.
The figures go into ``figures.json``, unless only one is asked for. The exit code is 1 if a byte differs, or if kills
came too late.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from commands import Forked, import_all
from figures import add
from killing import wait_for_work
from kills import files_of, same, state_of
from small_runs import OFTEN, SMALL, TRAINING, head

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_judges import small_judges

POD = """
import os, socket
from bridgebench.harness.processes import lock
lock.BEAT, lock.STALE, lock._SETTLE = 0.1, 1.0, 0.2
socket.gethostname = lambda name=f"pod-{os.getpid()}": name
"""


def kill_and_restart(before: str, arguments: Sequence[str], folder: Path, kills: int, draw: random.Random) -> int:
    """Runs a command undisturbed into ``whole`` and with kills into ``killed``; returns how many kills hit it."""
    started = time.monotonic()
    process = Forked(before, [*arguments, "--out", str(folder / "whole")])
    wait_for_work(process, folder / "whole")
    begun = time.monotonic()
    if process.wait():
        raise SystemExit("the command failed without being killed")
    work, hit = time.monotonic() - begun, 0
    print(f"{arguments[0]}: {begun - started:.1f} s to its first file, {work:.1f} s of work", flush=True)
    options = ["--out", str(folder / "killed")]
    for _ in range(kills):
        process = Forked(before + POD, [*arguments, *options])
        wait_for_work(process, folder / "killed")
        time.sleep(draw.uniform(0, 1.5 * work / kills))
        process.send_signal(signal.SIGKILL)
        hit += process.wait() == -signal.SIGKILL
    if Forked(before + POD, [*arguments, *options]).wait():
        raise SystemExit("the command did not go on")
    return hit


def benchmark(folder: Path, kills: int, draw: random.Random) -> tuple[int, bool]:
    """Kills that hit a benchmark, and whether its records are those of the undisturbed one."""
    profile = folder / "small.toml"
    judges = [f'{name} = "{path}"' for name, path in small_judges(folder, "pods.py").items()]
    profile.write_text("\n".join([head(), SMALL, "[weights]", *judges]))
    arguments = ["benchmark", "--profile", str(profile), "--methods", "identity", "--workers", "1"]
    hit = kill_and_restart("", arguments, folder, kills, draw)
    return hit, files_of(folder / "killed") == files_of(folder / "whole")


def training(folder: Path, kills: int, draw: random.Random) -> tuple[int, bool]:
    """Kills that hit a training, and whether its last checkpoint is that of the undisturbed one."""
    profile = folder / "tiny.toml"
    profile.write_text(head() + SMALL + TRAINING)
    arguments = ["train", "stargan", "--profile", str(profile), "--resume", "auto"]
    hit = kill_and_restart(OFTEN, arguments, folder, kills, draw)
    return hit, same(state_of(folder / "killed"), state_of(folder / "whole"))


PARTS: dict[str, Callable[[Path, int, random.Random], tuple[int, bool]]] = {"benchmark": benchmark, "train": training}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--uncounted", action="store_true", help="leave figures.json as it is")
    given: Any = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    import_all()
    figures: dict[str, Any] = {}
    for part in [given.only] if given.only else PARTS:
        with tempfile.TemporaryDirectory() as name:
            hit, identical = PARTS[part](Path(name), given.kills, random.Random(given.seed))
        print(f"{part}: {hit} kills, {'the undisturbed bytes' if identical else 'OTHER BYTES'}", flush=True)
        figures[part] = {"kills": hit, "runs": 1, "identical": int(identical)}
    if not given.uncounted:
        add("pods", {"parts": figures})
    found = [figures[part] for part in PARTS if part in figures]
    return int(not all(each["identical"] and each["kills"] >= given.kills - 2 for each in found))


if __name__ == "__main__":
    sys.exit(main())
