"""The whole benchmark, from a profile to its records. :func:`run_benchmark` shows all steps in order.

    profile ─► methods that take part ─► cells ─► missing cells ─► jobs ─► workers ─► records

`bridgebench benchmark` then goes on from the records to the page (`harness.commands.benchmark`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from bridgebench.eval.measures.own import own_measure
from bridgebench.eval.records.aside import change_protocol, put_away
from bridgebench.eval.records.differences import differences
from bridgebench.eval.records.directory import Place, RunDirectory
from bridgebench.eval.records.intact import damaged, damaged_cells, shares_all
from bridgebench.eval.records.manifest import write_manifest
from bridgebench.eval.records.marks import MARK, check_folder, mark
from bridgebench.eval.records.measured import Baselines, CellRecord, CostRecord
from bridgebench.eval.records.pictures import STRIP, strip_png
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.seal import hash_of
from bridgebench.eval.records.summary import summary_csv
from bridgebench.harness.benchmark.backends import check_backend, run_jobs
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.cells import Job, give_up, run_job
from bridgebench.harness.benchmark.cost import CostJob, run_cost
from bridgebench.harness.benchmark.matching import has_matched, matched_reals, null_of_matched
from bridgebench.harness.benchmark.plan import Cell, Participant, all_cells, groups, is_done, key_of, select
from bridgebench.harness.benchmark.provenance import run_record
from bridgebench.harness.benchmark.summary import summary_lines
from bridgebench.harness.benchmark.weak_judges import weak_judges
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.processes.devices import check_device
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.processes.memory import give_back
from bridgebench.harness.processes.messages import step
from bridgebench.harness.processes.progress import meter
from bridgebench.harness.processes.repeated import repeated
from bridgebench.harness.processes.stopping import certainly
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import check_links, read_bytes, real_path, write_bytes

Say = Callable[[str], Any]
_log = logging.getLogger(__name__)
_FEW = 5  # up to this many failed cells with the same reason are reported one by one


def run_benchmark(
    profile: Profile,
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    elsewhere: Participant | None = None,
    limit: int | None = None,
    backend: str = "local",
    scheduler: str | None = None,
    trust_network: bool = False,
    workers: int | None = None,
    data_root: Path | None = None,
    device: str = "cpu",
    say: Say = print,
) -> list[str]:
    """Runs a benchmark and writes its records; cells that already exist under their key are not made again.

    Args:
        profile: what to run.
        out: the run directory.
        methods: names of the methods to run; None: the profile's list.
        elsewhere: a method whose edits were made elsewhere; it alone is measured.
        limit: use only this many test images, the first ones.
        backend: "local" or "dask", see :func:`harness.benchmark.backends.run_jobs`.
        scheduler: address of a Dask scheduler.
        workers: processes of the local back end.
        data_root: folder of the data set.
        device: where the networks compute: "cpu", or a GPU as PyTorch names it ("cuda", "cuda:1").
        say: called with each line for the user.

    Returns:
        The cells that failed, as ``method/mode/attribute``; those in which a plug-in's measure failed are among them.

    Raises:
        UserError: names are wrong, or weights or data are missing; nothing has been written then.
    """
    # Typing errors are reported before anything is opened or drawn. With `methods`, only those methods are checked.
    check_backend(backend, scheduler, trust_network)
    check_device(device)
    if elsewhere is None:
        select(profile, methods, has_truth=profile.data.name in DRAWN_HERE)
    for measure in profile.evaluation.measures:
        own_measure(measure)
    run = RunDirectory(out)
    check_out(run)
    if device != "cpu":
        workers = workers or 1  # one process keeps a GPU busy; each further process would load all networks again

    with locked(out), certainly(run.clean):
        run.clean()  # removes half-written files of an earlier call that was killed

        # The workbench opens the test images, both judges and the feature space. They decide the protocol: the
        # record of everything except the methods that decides a number, with its hash.
        setup = Setup(profile.from_anywhere(), data_root and real_path(data_root), limit, real_path(out), device)
        with step(_log, "Opened the images and the judges"):
            bench = workbench(setup)
            protocol = bench.protocol

        # Which methods take part, with which weights. Poor judges are reported now, before hours of work.
        participants, left_out = [elsewhere] if elsewhere else [], dict[str, str]()
        if elsewhere is None:
            participants, left_out = select(profile, methods, has_truth=bench.test.has_truth)
        for name, reason in left_out.items():
            say(f"Left out {name}: {reason}.")
        for line in weak_judges(profile):
            _log.warning(line)

        # A cell is one method, mode and attribute (or conversion). Its key is a hash of everything that decides it. If
        # a record with that key is on disk, the cell is done: making it again would give the same record.
        cells = all_cells(participants, bench.columns, protocol.hash, bench.others)

        # What was changed since it was written is put aside and made again.
        _put_damage_aside(run, cells, say)

        # The folder is marked as ours before anything else is written into it.
        mark(run.root, "benchmark")

        # A run directory holds numbers of one protocol. Numbers of another protocol are put aside, not deleted.
        _bring_to_protocol(run, bench, say)

        with step(_log, "Looked which cells are done"):
            missing = [cell for cell in cells if not is_done(cell, run)]
        say(f"{len(cells)} cells, {len(cells) - len(missing)} of them done before; protocol {protocol.hash[:12]}.")
        _put_replaced_aside(run, missing, say)

        # What all cells share: run.json (first, because it marks the folder as a run), distances between real images,
        # and the strip of the first sources. Features of all images go into the cache, for the workers.
        old = RunRecord.find(run.run_file)
        record = run_record(bench, profile, participants, old, kept=len(missing) < len(cells), goes_on=bool(missing))
        record.write(run.run_file)
        baselines = Baselines.find(run.baselines_file)
        if baselines is None or baselines.protocol_hash != protocol.hash:
            _baselines(bench).write(run.baselines_file)
        _write_source_strips(bench)
        # What cells share may be all that is missing.
        wanted: dict[tuple[Mode, str], list[Cell]] = {
            place: [] for place in groups(cells) if not _shares(run, place, protocol.hash)
        } | groups(missing)
        if wanted:
            with step(_log, "Read all real images by the judges"):
                bench.keep_features()
            if not bench.space.exclusive:
                with step(_log, "Made or chose the matched real images"):
                    for mode, attribute in wanted:
                        if has_matched(bench, attribute) and case_of(bench, mode, attribute).reason is None:
                            matched_reals(bench, mode, attribute)
        give_back()  # this process only waits from here on

        # A job is the missing cells of one mode and attribute: they share references, true edits and real features. A
        # worker opens the same workbench, edits the test images, measures the edits and writes one record per cell.
        for cell in missing:
            run.error_file(*cell.place).unlink(missing_ok=True)
        jobs = [Job(setup, protocol.hash, mode, attribute, tuple(found)) for (mode, attribute), found in wanted.items()]
        failed: list[str] = []
        if jobs:
            where: dict[str, Any] = {"backend": backend, "scheduler": scheduler, "trust_network": trust_network}
            found = run_jobs(run_job, jobs, **where, workers=workers, give_up=give_up)
            with _progress(run, missing), closing(found) as results:
                for names in results:
                    failed += names

        # The cost of an edit is timed while no other process of ours computes.
        with step(_log, "Timed the edits that had not been timed"):
            _run_costs(bench, participants, failed, say)

        # All cells in one table: a file for other programs, and a few lines for the user.
        kinds = {name: method.kind for name, method in run.read_run().methods.items()}
        write_bytes(run.summary_file, summary_csv(kinds, run.cells()).encode())
        write_manifest(run)  # last, so that it has the hash of each file that the run leaves
        lost = {cell.place: failing for cell in cells if (failing := _failed_measures(run, cell))}
        for line in (*summary_lines(run, participants), *_failures(run, sorted(failed)), *_lost_numbers(lost)):
            say(line)
    return sorted({*failed, *("/".join(place) for place in lost)})


def check_out(run: RunDirectory) -> None:
    """Refuses a folder that holds something else than a run, or whose symbolic links lead elsewhere."""
    check_folder(run.root, "benchmark", older=_is_older_run)
    check_links(run.root)


def _is_older_run(folder: Path) -> bool:
    """Whether a folder without a mark is a run of before there were marks: its run.json holds the protocol's hash."""
    record = RunRecord.find(RunDirectory(folder).run_file)
    return record is not None and record.protocol_hash == hash_of(record.protocol)


def _bring_to_protocol(run: RunDirectory, bench: Workbench, say: Say) -> None:
    """Puts records of another protocol aside, and restores records of this protocol that were put aside before."""
    old = RunRecord.find(run.run_file)
    put, taken = change_protocol(run, bench.protocol.hash)
    if old is not None and old.protocol_hash != bench.protocol.hash:
        changed = "; ".join(map(str, differences(old.protocol, bench.protocol.record())))
        moved = f": the old records are put aside in {put} and taken up again if their protocol returns" if put else ""
        say(f"The protocol has changed ({changed}){moved}.")
    if taken is not None:
        say(f"Records of this protocol were put aside in {taken} before: they are taken up again.")


def _put_damage_aside(run: RunDirectory, cells: Sequence[Cell], say: Say) -> None:
    """Moves every file of ours that is not what was written out of its place, and says which."""
    record = RunRecord.find(run.run_file)
    names = [run.root / MARK, run.run_file, run.baselines_file, run.summary_file]
    names += [] if record is None else run.named_files(record)
    for path in run.root.glob("cache/*.json"):
        names += [path, *run.root.glob(f"cache/{escape(path.stem)}-*.npy")]
    for cell in cells:
        names += [run.cell_file(*cell.place), run.error_file(*cell.place), *run.own_files(*cell.place)]
        names += [run.shared_file(cell.mode, cell.attribute), *run.shared_files(cell.mode, cell.attribute)]
        names += [run.cost_file(cell.participant.name, cell.mode)]
    found = damaged(run, names)
    found = damaged_cells(run, [cell.place for cell in cells], found) | found
    if found:
        folder = put_away(run, found, "damaged")
        named = [f"{path.relative_to(run.root)} ({why})" for path, why in found.items()]
        more = f" and {len(named) - _FEW} more" if len(named) > _FEW else ""
        say(f"Damaged, put aside in {folder} and made again: {'; '.join(named[:_FEW])}{more}.")


def _put_replaced_aside(run: RunDirectory, missing: Sequence[Cell], say: Say) -> None:
    """Moves the cells that were made with other weights, or by an older version, out of their places."""
    old = [cell for cell in missing if run.cell_file(*cell.place).is_file()]
    if old:
        files = [path for cell in old for path in (run.cell_file(*cell.place), *run.own_files(*cell.place))]
        folder = put_away(run, files, "replaced")
        if run.run_file.is_file():
            write_bytes(folder / run.run_file.name, read_bytes(run.run_file, follow=False))
        causes = "with other weights or another version, or a measure of a plug-in failed in them"
        say(f"{len(old)} cells were made {causes}: they are put aside in {folder}.")


def _shares(run: RunDirectory, place: tuple[Mode, str], protocol_hash: str) -> bool:
    return shares_all(run.root, run.shared_file(*place), protocol_hash)


def _baselines(bench: Workbench) -> Baselines:
    """Distances of real images to real images."""
    reals, least = bench.instruments.reals, bench.settings.minimum_n
    floor = reals.floor(least)
    if bench.space.exclusive:
        null = reals.null(bench.test_features, bench.labels, least)
    else:
        null = {column: null_of_matched(bench, column) for column in bench.columns}
    return Baselines.model_validate({"protocol_hash": bench.protocol.hash, "floor": floor, "null": null})


def _write_source_strips(bench: Workbench) -> None:
    """Writes strips of the first test images, or of the first test images of each domain."""
    for part in bench.space.parts:
        sources = bench.edited(part)
        path, strip = bench.run.source_sample(part), strip_png(bench.images(sources[:STRIP])) if len(sources) else b""
        if strip and not (path.is_file() and read_bytes(path, follow=False) == strip):
            write_bytes(path, strip)


def _run_costs(bench: Workbench, participants: Sequence[Participant], failed: Sequence[str], say: Say) -> None:
    """Measures the missing costs one by one in one process, while no other process of ours computes."""
    run = bench.run
    jobs = []
    for participant in participants:
        if participant.elsewhere or any(place.startswith(f"{participant.name}/") for place in failed):
            continue
        for mode in MODES:
            key = key_of(participant, mode, None, bench.protocol.hash)
            found = CostRecord.find(run.cost_file(participant.name, mode))
            if mode in participant.card.modes and (found is None or found.key != key):
                jobs.append(CostJob(bench.setup, participant, mode, key))
    try:
        for problem in run_jobs(run_cost, jobs, backend="local", scheduler=None, workers=1) if jobs else ():
            if problem:
                say(problem)
    except CannotWrite:
        raise
    except (UserError, RuntimeError) as error:  # all cells are done; the next call measures missing costs
        say(f"The cost of an edit could not be measured: {str(error).splitlines()[-1]}")


def _failures(run: RunDirectory, failed: Sequence[str]) -> Iterator[str]:
    """Lines that say which cells failed, why, and where the traceback is; many cells with one reason share a line."""
    reasons: dict[str, list[str]] = {}
    for place in failed:
        file = run.error_file(*place.rsplit("/", 2))
        lines = file.read_text("utf-8", "replace").splitlines() if file.is_file() else []
        reasons.setdefault(lines[-1] if lines else "its reason could not be kept", []).append(place)
    for reason, places in reasons.items():
        files = [run.error_file(*place.rsplit("/", 2)) for place in places]
        if len(places) <= _FEW:
            for place, file in zip(places, files, strict=True):
                yield f"FAILED {place}: {reason} (see {file}); the next call tries it again"
        else:
            others = f"{places[0]} and {len(places) - 1} more"
            yield f"FAILED {others}: {reason} (see {files[0]}); the next call tries them again"


def _failed_measures(run: RunDirectory, cell: Cell) -> dict[str, str]:
    """The measures of plug-ins that failed in a cell, each with the reason."""
    record = CellRecord.find(run.cell_file(*cell.place))
    return {} if record is None else record.failed_measures


def _lost_numbers(lost: Mapping[Place, Mapping[str, str]]) -> Iterator[str]:
    """Lines that say which measures of plug-ins failed, and why; all cells of one measure and reason share a line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for place, found in lost.items():
        for measure, reason in found.items():
            reasons.setdefault((measure, reason), []).append("/".join(place))
    for (measure, reason), places in reasons.items():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        yield (
            f"FAILED measure {measure} in {places[0]}{more}: {reason} (`bridgebench contract --measure {measure}` "
            "tells more); all other numbers are there, and the next call tries it again"
        )


@contextmanager
def _progress(run: RunDirectory, missing: Sequence[Cell]) -> Iterator[None]:
    """Shows how many cells are finished, until the block ends. It watches the run directory: any back end will do."""
    waiting = [*missing]
    failed = images = 0

    def look() -> None:
        nonlocal waiting, failed, images
        still = []
        for cell in waiting:
            if run.cell_file(*cell.place).is_file():
                record = CellRecord.find(run.cell_file(*cell.place))
                images += record.n if record is not None else 0
            elif run.error_file(*cell.place).is_file():
                failed += 1
            else:
                still.append(cell)
        waiting = still
        shown.show(len(missing) - len(waiting), images=images, failed=failed)

    with meter("cells", len(missing)) as shown:
        try:
            with repeated(look, 0.5):
                yield
        finally:
            look()
