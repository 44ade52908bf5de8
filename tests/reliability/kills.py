"""Kills benchmarks and trainings at random instants until they are done, and compares them with undisturbed ones.

    python tests/reliability/kills.py [--kills 120] [--minutes 60] [--seed 0] [--only benchmark]

Takes some minutes on two cores; a part kills no more once its minutes are over. Its figures go into ``figures.json``
beside it; `figures.py` makes ``tests/RELIABILITY.md`` of them. The exit code is 1 if a record differs or a worker
outlives its run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from figures import known, record

ROOT = Path(__file__).parent.parent.parent
# Few images, so that a run is seconds of work behind its start.
SMALL = """
[data]
name = "faces"
image_size = 32
train = 64
validation = 8
test = 24

[evaluation]
n = 12
batch = 8
minimum_n = 4
diversity_images = 2
diversity_draws = 2
bootstrap = 20
"""
TRAINING = """
[train.stargan]
width = 4
blocks = 1
discriminator_width = 4
batch_size = 4
iterations = 400
n_critic = 2
decay = "none"
"""
# The command line, with a checkpoint every fifth of a second instead of every minute.
OFTEN = "from harness.train import loop; loop._CHECKPOINT_SECONDS = 0.2\n"
LINE = "from harness.__main__ import run\nif __name__ == '__main__': run()\n"
KEPT = ("cells", "samples", "details", "baselines.json", "summary.csv")
CLEAN = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Limit:
    """When it is enough: after so many kills, or from this instant of the monotonic clock on."""

    kills: int
    end: float


class Kills:
    """Starts a command again and again and kills it, and counts what happened."""

    def __init__(self, name: str, command: Sequence[str], out: Path, draw: random.Random, limit: Limit) -> None:
        self.name, self.command, self.out, self.draw = name, [*command, str(out)], out, draw
        self.limit = limit
        self.start = self.work = 0.0
        self.kinds: Counter[str] = Counter()
        self.slowest = 0.0
        self.orphans = 0
        self.finished = 0

    def undisturbed(self, out: Path) -> None:
        """Runs the command to its end in another folder, and takes the time to its first file and from there on."""
        started = time.monotonic()
        process = subprocess.Popen([*self.command[:-1], str(out)], cwd=ROOT, stdout=subprocess.DEVNULL)
        _wait_for_work(process, out)
        self.start = time.monotonic() - started
        if process.wait():
            raise SystemExit(f"{' '.join(self.command)} failed without being killed")
        self.work = time.monotonic() - started - self.start

    def goes_on(self) -> bool:
        """Whether there is more to kill, or a killed run to finish."""
        return not self._enough() or self.out.exists()

    def _enough(self) -> bool:
        return self.kinds.total() >= self.limit.kills or time.monotonic() >= self.limit.end

    def once(self, kinds: Sequence[str], resume: bool = False) -> int | None:
        """One start, killed at a random instant unless it is enough: in any phase, or three times of four at its work.

        Returns:
            The exit code where it came to its end, else None.
        """
        kind = self.draw.choice(kinds)
        process = subprocess.Popen(
            [*self.command, *(["--resume"] if resume else [])],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._enough():
                process.wait()
            elif self.draw.random() < 0.25:
                process.wait(self.draw.uniform(0, self.start))
            else:
                _wait_for_work(process, self.out)
                process.wait(self.draw.uniform(0, self.work))
        if process.poll() is None:
            self._kill(process, kind)
            self.kinds[kind] += 1
        code = process.wait()
        print(f"{self.name}: {self.kinds.total()} kills, {self.finished} runs done", flush=True)
        deadline = time.monotonic() + 5
        while (left := _session(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.orphans += len(left)
        self.finished += code == 0
        return code if code == 0 else None

    def _kill(self, process: subprocess.Popen, kind: str) -> None:
        workers = [pid for pid in _session(process.pid) if pid != process.pid]
        if kind == "worker SIGKILL" and workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.draw.choice(workers), signal.SIGKILL)
            process.wait(300)  # it goes on by itself
            return
        number = signal.SIGKILL if "SIGKILL" in kind else getattr(signal, kind)
        started = time.monotonic()
        process.send_signal(number)
        process.wait(300)
        if number in CLEAN:
            self.slowest = max(self.slowest, time.monotonic() - started)


def _wait_for_work(process: subprocess.Popen, out: Path) -> None:
    """Until a process writes into its folder (its lock aside), or ends."""
    started = time.time()
    while process.poll() is None:
        for path in out.rglob("*"):
            with contextlib.suppress(OSError):
                if path.name != ".lock" and path.is_file() and path.stat().st_mtime > started:
                    return
        time.sleep(0.02)


def _session(leader: int) -> list[int]:
    """The processes of a session that are not dead yet."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def benchmarks(folder: Path, limit: Limit, draw: random.Random, backend: str) -> dict[str, Any]:
    """Benchmarks that are killed; their workers alone, too."""
    profile = folder / "small.toml"
    judges = [f'{name} = "{ROOT}/methods/zoo/{name}-smoke.safetensors"' for name in ("classifier", "judge")]
    profile.write_text("\n".join([_head(), SMALL, "[weights]", *judges]))
    options = ["--profile", str(profile), "--methods", "identity", "--workers", "2"]
    command = [sys.executable, "-c", LINE, "benchmark", *options, "--backend", backend, "--out"]
    whole, killed = folder / f"whole-{backend}", folder / f"killed-{backend}"
    every = Kills(f"benchmark, {backend}", command, killed, draw, limit)
    every.undisturbed(whole)
    identical = runs = 0
    kinds = ["SIGKILL", "SIGTERM", "SIGINT", "worker SIGKILL"]
    while every.goes_on():
        if every.once(kinds) is None:
            continue
        runs += 1
        identical += _files(whole) == _files(killed)
        shutil.rmtree(killed)
    return _summary(every, runs, identical)


def _head() -> str:
    """The fourteen attributes and the methods of `smoke`."""
    return (ROOT / "harness" / "profiles" / "smoke.toml").read_text().split("[data]")[0]


def _files(run: Path) -> dict[str, bytes]:
    paths = [path for name in KEPT for path in (run / name, *(run / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def trainings(folder: Path, limit: Limit, draw: random.Random, devices: int) -> dict[str, Any]:
    """Trainings that are killed and resumed."""
    profile = folder / "tiny.toml"
    profile.write_text(_head() + SMALL + TRAINING)
    command = [sys.executable, _often(folder), "train", "stargan", "--profile", str(profile)]
    command += ["--devices", str(devices), "--out"]
    whole, killed = folder / f"whole-{devices}", folder / f"killed-{devices}"
    every = Kills(f"training by {devices}", command, killed, draw, limit)
    every.undisturbed(whole)
    identical = runs = 0
    expected = _state(whole)
    kinds = ["SIGKILL", "SIGTERM", "SIGINT"]
    while every.goes_on():
        resume = (killed / "checkpoint.pt").is_file()
        if every.once(kinds, resume) is None:
            continue
        runs += 1
        identical += _same(expected, _state(killed))
        shutil.rmtree(killed)
    return _summary(every, runs, identical)


def _often(folder: Path) -> str:
    """The command line as a file: processes that train together import it anew."""
    path = folder / "often.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{OFTEN}{LINE}")
    return str(path)


def _state(folder: Path) -> Any:
    """A checkpoint without the time that was spent."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    state["progress"].pop("seconds")
    return state


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(_same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(_same, one, two))
    return bool(one == two)


def _summary(every: Kills, runs: int, identical: int) -> dict[str, Any]:
    return {
        "kills": every.kinds.total(),
        "kinds": dict(sorted(every.kinds.items())),
        "runs": runs,
        "identical": identical,
        "orphans": every.orphans,
        "slowest_clean_stop_seconds": round(every.slowest, 2),
    }


# Each part, and its share of the kills in twelfths.
MEASURES: dict[str, tuple[Callable[[Path, Limit, random.Random], dict[str, Any]], int]] = {
    "training": (lambda folder, limit, draw: trainings(folder, limit, draw, 1), 5),
    "benchmark": (lambda folder, limit, draw: benchmarks(folder, limit, draw, "local"), 5),
    "benchmark on Dask": (lambda folder, limit, draw: benchmarks(folder, limit, draw, "dask"), 1),
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
    draw = random.Random(given.seed)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        for part in [given.only] if given.only else MEASURES:
            measure, share = MEASURES[part]
            limit = Limit(given.kills * share // 12, time.monotonic() + 60 * given.minutes)
            found[part] = {"seed": given.seed, **measure(Path(name), limit, draw)}
            record("kills", {**(known("kills") if given.only else {}), **found})
    return 1 if any(each["identical"] < each["runs"] or each["orphans"] for each in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
