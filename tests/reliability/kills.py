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
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from commands import Forked, import_all, start
from figures import known, record

from eval.classifier import AttributeClassifier, save_classifier
from methods.attributes import CELEBA14

# Few images, so that a run is seconds of work behind its start.
SMALL = """
[data]
name = "faces"
image_size = 32
train = 64
validation = 8
test = 16

[evaluation]
n = 6
batch = 4
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
iterations = 200
n_critic = 2
decay = "none"
"""
# A checkpoint every fifth of a second instead of every minute.
OFTEN = """
from harness import main

def often(whole=main.main):
    from harness.train import loop
    loop._CHECKPOINT_SECONDS = 0.2
    return whole()

main.main = often
"""
USUAL = 12  # one start of so many is by the command as users give it, the others are forked
KEPT = ("cells", "samples", "details", "baselines.json", "summary.csv")
CLEAN = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Limit:
    """When it is enough: after so many kills, or from this instant of the monotonic clock on."""

    kills: int
    end: float


class Kills:
    """Starts a command again and again and kills it, and counts what happened."""

    def __init__(
        self,
        name: str,
        before: str,
        arguments: Sequence[str],
        folder: Path,
        draw: random.Random,
        limit: Limit,
        forks: bool = True,
    ) -> None:
        self.name, self.before, self.arguments, self.draw, self.limit = name, before, arguments, draw, limit
        self.script, self.out, self.forks = folder / "command.py", folder / f"killed {name}", forks
        self.times: dict[bool, tuple[float, float]] = {}  # of a forked or a usual start: to its first file, and from it
        self.kinds: Counter[str] = Counter()
        self.stops: list[float] = []
        self.began = 0.0  # when the newest start was, as files tell the time
        self.orphans = self.half_written = self.finished = self.starts = 0

    def undisturbed(self, out: Path) -> list[Path]:
        """Runs the command to its end in other folders, as a user and forked; returns them."""
        outs = [out, out.with_name(f"forked {out.name}")] if self.forks else [out]
        for forked, folder in enumerate(outs):
            started = time.monotonic()
            process = self._start(bool(forked), folder, ())
            _wait_for_work(process, folder)
            begun = time.monotonic()
            if process.wait():
                raise SystemExit(f"{self.name} failed without being killed")
            self.times[bool(forked)] = begun - started, time.monotonic() - begun
        return outs

    def _start(self, forked: bool, out: Path, options: Sequence[str]) -> Any:
        arguments = [*self.arguments, "--out", str(out), *options]
        return Forked(self.before, arguments) if forked else start(self.script, self.before, arguments)

    def goes_on(self) -> bool:
        """Whether there is more to kill, or a killed run to finish."""
        return not self._enough() or self.out.exists()

    def _enough(self) -> bool:
        return self.kinds.total() >= self.limit.kills or time.monotonic() >= self.limit.end

    def once(self, kinds: Sequence[str], options: Sequence[str] = ()) -> int | None:
        """One start, killed at a random instant unless it is enough: in any phase, or three times of four at its work.

        Where only a worker was killed, the run goes on by itself, and may be hit again.

        Returns:
            The exit code where it came to its end, else None.
        """
        forked = self.forks and self.starts % USUAL > 0
        self.starts += 1
        before, work = self.times[forked]
        kills, started, self.began = self.kinds.total(), time.monotonic(), time.time()
        process = self._start(forked, self.out, options)
        early = self.draw.random() < 0.25
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self._enough():
                    process.wait()
                elif early:
                    process.wait(self.draw.uniform(0, before))
                else:
                    _wait_for_work(process, self.out)
                    process.wait(self.draw.uniform(0, work))
            if process.poll() is None:
                self._kill(process, self.draw.choice(kinds))
            early = False
        if process.returncode == 2:
            raise SystemExit(f"{self.name} did not go on")
        self.orphans += len(_outlived(process.pid))
        self.finished += process.returncode == 0
        if self.kinds.total() == kills:  # it was quicker than had been reckoned with
            self.times[forked] = before, max(0.1, time.monotonic() - started - before)
        print(f"{self.name}: {self.kinds.total()} kills, {self.finished} runs done", flush=True)
        return process.returncode if process.returncode == 0 else None

    def _kill(self, process: Any, kind: str) -> None:
        if kind == "worker SIGKILL":
            workers = [pid for pid in _session(process.pid) if pid != process.pid and not _is_tracker(pid)]
            if workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.draw.choice(workers), signal.SIGKILL)
                    self.kinds[kind] += 1
            return
        number = getattr(signal, kind)
        started = time.monotonic()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # a terminal sends Ctrl-C to all of them
        else:
            process.send_signal(number)
        process.wait(300)
        self.kinds[kind] += 1
        if number in CLEAN:
            self.stops.append(time.monotonic() - started)
            # Its own: what a SIGKILL left before is removed as soon as a run opens the folder, which this may not have.
            self.half_written += sum(path.stat().st_mtime > self.began for path in self.out.rglob(".*.tmp"))


def _wait_for_work(process: Any, out: Path) -> None:
    """Until a process writes into its folder (its lock aside), or ends."""
    started = time.time()
    while process.poll() is None:
        for path in out.rglob("*"):
            with contextlib.suppress(OSError):
                if path.name != ".lock" and path.is_file() and path.stat().st_mtime > started:
                    return
        time.sleep(0.1)


def _session(leader: int) -> list[int]:
    """The processes of a session that are not dead yet."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def _outlived(leader: int) -> list[int]:
    """What is left of a session five seconds after its leader's end."""
    deadline = time.monotonic() + 5
    while (left := _session(leader)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _is_tracker(pid: int) -> bool:
    """Python's own helper beside the workers, which only tidies up after them."""
    with contextlib.suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True


def benchmarks(folder: Path, limit: Limit, draw: random.Random, backend: str) -> Iterator[dict[str, Any]]:
    """Benchmarks that are killed; their workers alone, too. Gives the figures so far after each that ended."""
    profile = folder / "small.toml"
    judges = [f'{name} = "{path}"' for name, path in _judges(folder).items()]
    profile.write_text("\n".join([_head(), SMALL, "[weights]", *judges]))
    options = ["--profile", str(profile), "--methods", "identity"]
    arguments = ["benchmark", *options, "--backend", backend]
    every = Kills(f"benchmark, {backend}", "", arguments, folder, draw, limit, forks=backend == "local")
    outs = [_files(out) for out in every.undisturbed(folder / f"whole {backend}")]
    expected, killed = outs[0], every.out
    identical = runs = 0
    if outs[-1] != expected:
        raise SystemExit("a forked benchmark has other bytes than a usual one")
    kinds = ["SIGKILL", "SIGTERM", "SIGINT", "worker SIGKILL"]
    while every.goes_on():
        if every.once(kinds, ["--workers", draw.choice("12")]) is None:
            continue
        runs += 1
        identical += _files(killed) == expected
        shutil.rmtree(killed)
        yield _summary(every, runs, identical)


def _head() -> str:
    return f'attributes = {list(CELEBA14)}\nmethods = ["identity"]\n'


def _judges(folder: Path) -> dict[str, Path]:
    """Small networks with their random first weights."""
    files = {}
    for seed, (name, architecture) in enumerate([("classifier", "resnet"), ("judge", "plain")]):
        torch.manual_seed(seed)
        files[name] = folder / f"{name}.safetensors"
        save_classifier(AttributeClassifier(CELEBA14, architecture, width=4), files[name], {"origin": "kills.py"})
    return files


def _files(run: Path) -> dict[str, bytes]:
    paths = [path for name in KEPT for path in (run / name, *(run / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def trainings(folder: Path, limit: Limit, draw: random.Random, devices: int) -> Iterator[dict[str, Any]]:
    """Trainings that are killed and resumed; gives the same."""
    profile = folder / "tiny.toml"
    profile.write_text(_head() + SMALL + TRAINING)
    arguments = ["train", "stargan", "--profile", str(profile), "--devices", str(devices)]
    every = Kills(f"training by {devices}", OFTEN, arguments, folder, draw, limit, forks=devices == 1)
    outs = [_state(out) for out in every.undisturbed(folder / f"whole {devices}")]
    expected, killed = outs[0], every.out
    identical = runs = 0
    if not _same(outs[-1], expected):
        raise SystemExit("a forked training has another checkpoint than a usual one")
    kinds = ["SIGKILL", "SIGTERM", "SIGINT"]
    while every.goes_on():
        begun = (killed / "checkpoint.pt").is_file()
        if every.once(kinds, ["--resume"] if begun else []) is None:
            continue
        runs += 1
        identical += _same(expected, _state(killed))
        shutil.rmtree(killed)
        yield _summary(every, runs, identical)


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
