"""`bridgebench benchmark`: plans, runs what is missing, keeps the records, builds the page."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bridgebench.eval.records.directory import RunDirectory, read_json, to_json
from bridgebench.harness.benchmark.backends import check_backend, run_jobs
from bridgebench.harness.benchmark.cost import CostJob, run_cost
from bridgebench.harness.benchmark.jobs import Job, give_up, run_job
from bridgebench.harness.benchmark.plan import Cell, Entry, all_cells, groups, is_done, key_of, select
from bridgebench.harness.benchmark.provenance import run_record
from bridgebench.harness.benchmark.summary import summary_csv, summary_lines
from bridgebench.harness.benchmark.weak_judges import weak_judges
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.data.pixels import STRIP, strip_png
from bridgebench.harness.processes.devices import check_device
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.processes.memory import give_back
from bridgebench.harness.processes.stopping import certainly
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.reading import check_links
from bridgebench.reports.read.compare import differences

Say = Callable[[str], Any]
_FEW = 5  # failed cells of one reason that are told one by one


def run_benchmark(
    profile: Profile,
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    limit: int | None = None,
    backend: str = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    data_root: Path | None = None,
    device: str = "cpu",
    say: Say = print,
) -> list[str]:
    """Runs a benchmark to its page; cells that are there under their key are not done again.

    Args:
        profile: what to run.
        out: the run directory.
        methods: names, instead of the profile's list.
        limit: use the first so many test images only.
        backend, scheduler, workers: where to run, see :func:`harness.benchmark.backends.run_jobs`.
        data_root: where CelebA lies.
        device: where the networks compute: "cpu", or a GPU as PyTorch names it ("cuda", "cuda:1").
        say: takes each line for the user.

    Returns:
        The cells that failed, as ``method/mode/attribute``.

    Raises:
        UserError: wrong names, missing weights or data; nothing has been written then.
    """
    check_backend(backend, scheduler)
    check_device(device)
    # Told before anything is opened or drawn: with --methods, only what is asked for can be wrong.
    select(profile, methods, has_truth=profile.data.name in DRAWN_HERE)
    _check_out(RunDirectory(out))
    setup = Setup(profile, data_root and data_root.resolve(), limit, out.resolve(), device)
    if device != "cpu":
        workers = workers or 1  # one process keeps a GPU busy; each further one holds all networks there again
    with locked(out), certainly(RunDirectory(out).clean):
        return _run(setup, methods, {"backend": backend, "scheduler": scheduler, "workers": workers}, say)


def _run(setup: Setup, methods: Sequence[str] | None, where: dict[str, Any], say: Say) -> list[str]:
    profile, bench = setup.profile, workbench(setup)
    entries, left_out = select(profile, methods, has_truth=bench.test.has_truth)
    for name, reason in left_out.items():
        say(f"Left out {name}: {reason}.")
    _warn(weak_judges(profile))
    _prepare(bench, profile, entries, say)
    give_back()  # this process waits from here on

    failed = _run_cells(bench, entries, where, say)
    _run_costs(bench, entries, failed, say)
    write_bytes(bench.run.summary_file, summary_csv(bench.run).encode())
    from bridgebench.reports.site import build

    page = build(setup.run)
    for line in summary_lines(bench.run, entries):
        say(line)
    for line in _failures(bench.run, failed):
        say(line)
    say(f"The page: {page}")
    return failed


def _warn(lines: Sequence[str]) -> None:
    from rich.console import Console

    for line in lines:
        Console(stderr=True).print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _failures(run: RunDirectory, failed: Sequence[str]) -> Iterator[str]:
    """Which cells failed, why, and where the whole traceback is; many of one reason on one line."""
    reasons: dict[str, list[str]] = {}
    for place in failed:
        file = run.error_file(*place.rsplit("/", 2))
        lines = file.read_text().splitlines() if file.is_file() else ["its reason could not be kept"]
        reasons.setdefault(lines[-1], []).append(place)
    for reason, places in reasons.items():
        file = run.error_file(*places[0].rsplit("/", 2))
        if len(places) <= _FEW:
            yield from (f"FAILED {place}: {reason} (see {file}); the next call tries it again" for place in places)
        else:
            others = f"{places[0]} and {len(places) - 1} more"
            yield f"FAILED {others}: {reason} (see {file}); the next call tries them again"


def _check_out(run: RunDirectory) -> None:
    """A folder that holds something else is not ours to write into, nor is one that leads elsewhere."""
    # A run that was killed at its very beginning leaves hidden files alone: its lock, a file half written.
    others = run.root.is_dir() and any(not path.name.startswith(".") for path in run.root.iterdir())
    if run.root.is_file() or (others and read_json(run.run_file) is None):
        raise UserError(f"{run.root} exists and is not a run directory; give another --out.")
    check_links(run.root)


def _prepare(bench: Workbench, profile: Profile, entries: Sequence[Entry], say: Say) -> None:
    """Brings the run directory to this protocol: run.json, baselines, the strip of sources."""
    run, protocol = bench.run, bench.protocol
    run.clean()
    old = read_json(run.run_file)
    if old is not None and old.get("protocol_hash") != protocol.hash:
        changed = "; ".join(differences(old.get("protocol", {}), protocol.record()))
        say(f"The protocol has changed ({changed}): all cells are measured again.")
        for folder in ("cells", "samples", "grids", "details", "cost"):
            shutil.rmtree(run.root / folder, ignore_errors=True)
    # The folder is ours from here on, so this goes first.
    kept = any(is_done(cell, run) for cell in all_cells(entries, bench.columns, protocol.hash))
    write_bytes(run.run_file, to_json(run_record(bench, profile, entries, old, kept)))
    baselines = read_json(run.baselines_file)
    if baselines is None or baselines.get("protocol_hash") != protocol.hash:
        write_bytes(run.baselines_file, to_json({"protocol_hash": protocol.hash, **_baselines(bench)}))
    for part in bench.space.parts:
        sources = bench.edited(part)
        if len(sources) and not run.source_sample(part).is_file():
            write_bytes(run.source_sample(part), strip_png(bench.images(sources[:STRIP])))


def _baselines(bench: Workbench) -> dict[str, Any]:
    """Distances of real images to real images."""
    reals, least = bench.bench.reals, bench.settings.minimum_n
    return {"floor": reals.floor(least), "null": reals.null(bench.test_features, bench.labels, least)}


def _run_cells(bench: Workbench, entries: Sequence[Entry], where: dict[str, Any], say: Say) -> list[str]:
    run, protocol_hash = bench.run, bench.protocol.hash
    cells = all_cells(entries, bench.columns, protocol_hash)
    missing = [cell for cell in cells if not is_done(cell, run)]
    say(f"{len(cells)} cells, {len(cells) - len(missing)} of them done before; protocol {protocol_hash[:12]}.")
    for cell in missing:  # of other weights, or failed: what is on disk is what is valid
        run.cell_file(*cell.place).unlink(missing_ok=True)
        run.error_file(*cell.place).unlink(missing_ok=True)
    jobs = [
        Job(bench.setup, protocol_hash, mode, attribute, tuple(found))
        for (mode, attribute), found in groups(missing).items()
    ]
    failed: list[str] = []
    if jobs:
        _ = bench.bench, bench.source_reading  # they are on disk before the workers look for them
        with _progress(run, missing), closing(run_jobs(run_job, jobs, give_up=give_up, **where)) as found:
            for names in found:
                failed += names
    return sorted(failed)


def _run_costs(bench: Workbench, entries: Sequence[Entry], failed: Sequence[str], say: Say) -> None:
    """One after the other in one process, when nothing else of ours computes."""
    run = bench.run
    jobs = []
    for entry in entries:
        if any(place.startswith(f"{entry.name}/") for place in failed):
            continue
        for mode in sorted(entry.card.modes):
            key = key_of(entry, mode, None, bench.protocol.hash)
            if (read_json(run.cost_file(entry.name, mode)) or {}).get("key") != key:
                jobs.append(CostJob(bench.setup, entry, mode, key))
    try:
        for _ in run_jobs(run_cost, jobs, backend="local", scheduler=None, workers=1) if jobs else ():
            pass
    except CannotWrite:
        raise
    except (UserError, RuntimeError) as error:  # the cells are made; the next call measures what is missing
        say(f"The cost of an edit could not be measured: {str(error).splitlines()[-1]}")


@contextmanager
def _progress(run: RunDirectory, missing: Sequence[Cell]) -> Iterator[None]:
    """A bar of cells done and time left. It looks at the run directory, so it is right for any back end."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    files = [file for cell in missing for file in (run.cell_file(*cell.place), run.error_file(*cell.place))]
    finished = threading.Event()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=120) as progress:
        task = progress.add_task("cells", total=len(missing))

        def watch() -> None:
            while not finished.wait(0.5):
                progress.update(task, completed=sum(file.is_file() for file in files))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            finished.set()
            watcher.join()
            progress.update(task, completed=sum(file.is_file() for file in files))
