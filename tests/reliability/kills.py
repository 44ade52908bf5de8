"""Kills commands at random instants until they are done, and compares what they leave with that of undisturbed ones.

    python tests/reliability/kills.py [--kills 120] [--minutes 60] [--seed 0] [--only benchmark]

Takes some minutes on two cores; a part kills no more once its minutes are over. Its counts are added to those in
``figures.json`` beside it; `figures.py` makes ``tests/RELIABILITY.md`` of them. The exit code is 1 if a file differs or
a process outlives its command.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from commands import import_all
from figures import add
from killing import Command, Kills, Limit
from little_run import write_little_run
from small_runs import OFTEN, SMALL, TRAINING, head
from zoo_runs import write_photos, write_profile

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from fake_parts import part, write_whole

from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.marks import MARK

KEPT = ("cells", "samples", "details", "baselines.json", "summary.csv")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
PUBLISH = """
import sys
from pathlib import Path
from bridgebench.reports.publish import publish
publish(Path({run!r}), Path({out!r}))
sys.exit(0)
"""
NOT_AGAIN = """
import sys
from pathlib import Path
if Path({out!r}).exists():  # killed after its work was done
    sys.exit(0)
"""


@dataclass(frozen=True)
class Part:
    """What is killed.

    Attributes:
        command: gives the lines to run first and the arguments, from the folder to write into.
        result: what is compared, from that folder.
        options: further arguments of one start, from that folder.
        kinds: of kills.
        forks: whether most starts are forked.
    """

    command: Command
    result: Callable[[Path], Any]
    options: Callable[[Path], list[str]] = lambda out: []
    kinds: tuple[str, ...] = SIGNALS
    forks: bool = True


def benchmarks(folder: Path, draw: random.Random, backend: str) -> Part:
    """A small benchmark of photos by a number of workers that changes; its workers are killed alone, too."""
    photos = folder / "photos"
    photos.mkdir()
    write_photos(photos)
    write_profile(folder)
    arguments = ["benchmark", "--profile", str(folder / "zoo.toml"), "--data-root", str(photos)]
    arguments += ["--methods", "identity", "--backend", backend, "--out"]
    return Part(
        lambda out: ("", [*arguments, str(out)]), files_of, lambda out: ["--workers", draw.choice("12")],
        (*SIGNALS, "worker SIGKILL"), forks=backend == "local",
    )  # fmt: skip


def trainings(folder: Path, processes: int) -> Part:
    """A small training, which is resumed."""
    profile = folder / "tiny.toml"
    profile.write_text(head() + SMALL + TRAINING)
    arguments = ["train", "stargan", "--profile", str(profile), "--processes", str(processes), "--out"]
    return Part(
        lambda out: (OFTEN, [*arguments, str(out)]), state_of,
        lambda out: ["--resume"] if (out / "checkpoint.pt").is_file() else [], forks=processes == 1,
    )  # fmt: skip


def preparations(folder: Path) -> Part:
    """A data set that is drawn into a cache, by a pool of workers."""
    profile = folder / "prepared.toml"
    profile.write_text(head() + SMALL.replace("train = 64", "train = 600"))
    arguments = ["data", "prepare", str(profile)]
    return Part(
        lambda out: (f"import os\nos.environ['BRIDGEBENCH_CACHE'] = {str(out)!r}", arguments),
        lambda out: contents(out, sorted(out.rglob("images.npy"))), kinds=(*SIGNALS, "worker SIGKILL"),
    )  # fmt: skip


def reports(folder: Path) -> Part:
    """The pages of a made-up run."""
    run = write_little_run(folder / "run")
    return Part(lambda out: ("", ["report", str(run), "--out", str(out)]), whole)


def publications(folder: Path) -> Part:
    """The page of a made-up run in one file, and its record archive."""
    run = str(write_little_run(folder / "run"))
    return Part(lambda out: (PUBLISH.format(run=run, out=str(out)), []), whole)


def merges(folder: Path) -> Part:
    """Two halves of a made-up run, one of them an archive, joined into a new run directory."""
    run = write_whole(folder / "run")
    one = part(run, folder / "one", "bridgegan", "identity", "oracle")
    two = part(run, folder / "two", "stargan", "copy", "attack")
    (folder / "two.zip").write_bytes(zipped(RunDirectory(two), images=True))
    return _new_folder(["merge", str(one), str(folder / "two.zip"), "--out"])


def unpackings(folder: Path) -> Part:
    """An archive of a made-up run, unpacked into a new run directory."""
    (folder / "run.zip").write_bytes(zipped(RunDirectory(write_whole(folder / "run")), images=True))
    return _new_folder(["records", "unpack", str(folder / "run.zip"), "--out"])


def _new_folder(arguments: list[str]) -> Part:
    """A command that makes a folder as a whole, and refuses to write into one that is there."""
    return Part(
        lambda out: (NOT_AGAIN.format(out=str(out / "run")), [*arguments, str(out / "run")]),
        lambda out: {name: data for name, data in whole(out).items() if not name.endswith(MARK)},
    )


def packings(folder: Path) -> Part:
    """A made-up run, packed into an archive."""
    run = write_whole(folder / "run")
    return Part(
        lambda out: (
            NOT_AGAIN.format(out=str(out / "run.zip")),
            ["records", "pack", str(run), "--out", str(out / "run.zip")],
        ),
        whole,
    )


def files_of(run: Path) -> dict[str, bytes]:
    """The records and pictures of a run directory."""
    return contents(run, [path for name in KEPT for path in (run / name, *(run / name).rglob("*")) if path.is_file()])


def whole(folder: Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones aside."""
    return contents(folder, [path for path in folder.rglob("[!.]*") if path.is_file()])


def contents(folder: Path, paths: list[Path]) -> dict[str, bytes]:
    """The bytes of files by their paths in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def state_of(folder: Path) -> Any:
    """A checkpoint without the time that was spent."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    state["progress"].pop("seconds")
    return state


def same(one: Any, two: Any) -> bool:
    """Whether two results are equal, tensors bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


def kill(name: str, part: Part, folder: Path, limit: Limit, draw: random.Random) -> bool:
    """Kills a part until it is enough, and adds the counts after each end; whether all was as it should be."""
    every = Kills(name, part.command, folder, draw, limit, forks=part.forks)
    results = [part.result(out) for out in every.undisturbed(folder / f"whole {name}")]
    if not results[0] or not same(results[0], results[-1]):
        raise SystemExit(f"{name}: forked, it leaves something else than as users give it")
    good = True
    while every.goes_on():
        if every.once(part.kinds, part.options(every.out)) is None:
            continue
        identical = same(results[0], part.result(every.out))
        counts = every.counts() | {"runs": 1, "identical": int(identical)}
        add("kills", {"parts": {name: counts}})
        good = good and identical and not counts["orphans"]
        shutil.rmtree(every.out)
    return good


# Each part, and its share of the kills in fifteenths.
PARTS: dict[str, tuple[Callable[[Path, random.Random], Part], int]] = {
    "benchmark": (lambda folder, draw: benchmarks(folder, draw, "local"), 4),
    "dask": (lambda folder, draw: benchmarks(folder, draw, "dask"), 1),
    "training": (lambda folder, draw: trainings(folder, 1), 3),
    "two": (lambda folder, draw: trainings(folder, 2), 1),
    "prepare": (lambda folder, draw: preparations(folder), 1),
    "report": (lambda folder, draw: reports(folder), 1),
    "publish": (lambda folder, draw: publications(folder), 1),
    "merge": (lambda folder, draw: merges(folder), 1),
    "pack": (lambda folder, draw: packings(folder), 1),
    "unpack": (lambda folder, draw: unpackings(folder), 1),
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for each part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=PARTS, help="one part, which has all kills")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    import_all()
    draw = random.Random(given.seed)
    good = []
    for name in [given.only] if given.only else PARTS:
        make, share = PARTS[name]
        limit = Limit(given.kills if given.only else given.kills * share // 15, time.monotonic() + 60 * given.minutes)
        with tempfile.TemporaryDirectory() as folder:
            good.append(kill(name, make(Path(folder), draw), Path(folder), limit, draw))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
