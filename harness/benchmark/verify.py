"""`bridgebench verify`: makes some cells of a run again, in another folder, and compares them with the stored bytes."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridgebench.eval.records.differences import differences
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.seal import unsealed
from bridgebench.harness.benchmark.backends import run_jobs
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import Cell, all_cells, groups, select
from bridgebench.harness.benchmark.stored_profile import stored_profile
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.processes.devices import check_device
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import check_links, parse_json, read_bytes


@dataclass(frozen=True)
class RemadeCell:
    """A cell that was made again, as ``method/mode/attribute``, and how it differs from the stored one."""

    place: str
    changes: list[str]

    @property
    def same(self) -> bool:
        """Whether it is the stored one, byte for byte."""
        return not self.changes


def verify_run(
    folder: Path,
    *,
    cells: int = 5,
    seed: int = 0,
    workers: int | None = None,
    data_root: Path | None = None,
    say: Callable[[str], Any] = print,
) -> list[RemadeCell]:
    """Makes a random sample of a run's cells again, in a temporary folder.

    Args:
        folder: the run directory; nothing in it is changed.
        cells: number of cells to check (all cells if there are fewer).
        seed: seed of the random sample.
        workers: number of processes, see :func:`harness.benchmark.backends.run_jobs`.
        data_root: folder of the data set, if it consists of photos.
        say: called with each line for the user.

    Returns:
        The cells that were made again.

    Raises:
        UserError: `folder` is no run directory, or its protocol differs from that of the data, judges and code here.
    """
    check_links(folder)
    stored, record = RunDirectory(folder), RunDirectory(folder).read_run()
    with tempfile.TemporaryDirectory(prefix="bridgebench-") as name:
        anew = RunDirectory(Path(name).resolve())
        device = record.protocol.get("device") or "cpu"
        check_device(device)
        root = data_root and data_root.resolve()
        profile = _stored_profile(stored.run_file, record, root)
        setup = Setup(profile, root, record.limit, anew.root, device)
        bench = workbench(setup)
        if bench.protocol.hash != record.protocol_hash:
            changed = "; ".join(map(str, differences(record.protocol, bench.protocol.record())))
            raise UserError(f"{folder} was measured by another protocol than the one here: {changed}.")
        for name, method in record.methods.items():
            if method.elsewhere is not None:
                say(f"Left out {name}: its edits were made elsewhere; `bridgebench score` measures them again.")
        chosen = _sample(stored, _planned(setup.profile, bench, record), cells, seed)
        if not chosen:
            raise UserError(f"{folder} has no finished cell to verify.")
        say(f"{len(chosen)} cells are made again ({setup.profile.name}, seed {seed}).")
        bench.keep_features()
        jobs = [
            Job(setup, bench.protocol.hash, mode, attribute, tuple(found))
            for (mode, attribute), found in groups(chosen).items()
        ]
        for failed in run_jobs(run_job, jobs, backend="local", scheduler=None, workers=workers):
            for place in failed:
                say(f"{place} failed: {anew.error_file(*place.rsplit('/', 2)).read_text().splitlines()[-1]}")
        return [RemadeCell("/".join(cell.place), _changes(stored, anew, cell)) for cell in chosen]


def _stored_profile(file: Path, record: RunRecord, root: Path | None) -> Profile:
    recorded = [*record.judges.values(), *(method.weights for method in record.methods.values())]
    known = {weights.sha256 for weights in recorded if weights is not None} | {record.features.digest}
    return stored_profile(file, record.profile, known, record.methods, root)


def _planned(profile: Profile, bench: Workbench, record: RunRecord) -> list[Cell]:
    """The cells of the run's methods that can take part here."""
    names = [name for name in sorted(record.methods) if record.methods[name].elsewhere is None]
    of_profile = profile.model_copy(update={"methods": tuple(names)})
    participants, _ = select(of_profile, None, has_truth=profile.data.name in DRAWN_HERE)
    return all_cells(participants, bench.columns, bench.protocol.hash, bench.others)


def _sample(stored: RunDirectory, planned: Sequence[Cell], count: int, seed: int) -> list[Cell]:
    finished = [cell for cell in planned if stored.cell_file(*cell.place).is_file()]
    chosen = random.Random(seed).sample(finished, min(count, len(finished)))
    return sorted(chosen, key=lambda cell: cell.place)


def _changes(stored: RunDirectory, anew: RunDirectory, cell: Cell) -> list[str]:
    """The differences between a stored cell and the same cell made again."""
    before, after = (CellRecord.find(run.cell_file(*cell.place)) for run in (stored, anew))
    if before is None or after is None:
        return [f"no readable record {'is stored' if before is None else 'came out'}"]
    if before.key != after.key:
        return ["it was made with other weights, or by another version of the method"]
    # Files are compared themselves; records of older versions do not list them.
    changes = [str(found) for found in differences(*(found.plain() | {"files": {}} for found in (before, after)))]
    for path in (
        anew.outcomes_file(*cell.place),
        anew.sample_file(*cell.place),
        anew.details_file(*cell.place),
        anew.details_picture(*cell.place),
    ):
        place = path.relative_to(anew.root)
        if path.is_file() and not _same_bytes(path, stored.root / place):
            changes.append(f"another {place}")
    if not changes and before.files and not _same_bytes(anew.cell_file(*cell.place), stored.cell_file(*cell.place)):
        changes.append("the same numbers in other bytes")
    return changes


def _same_bytes(made: Path, stored: Path) -> bool:
    """Whether a file that was made again is the stored one; a stored record from before there were seals has none."""
    try:
        one, two = read_bytes(made), read_bytes(stored, follow=False)
    except (OSError, ValueError):
        return False
    return one == two or (made.suffix == ".json" and two == to_json(unsealed(parse_json(one))))
