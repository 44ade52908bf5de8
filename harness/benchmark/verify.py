"""`bridgebench verify`: makes some cells of a run again, in another folder, and compares them with the stored bytes."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridgebench.eval.records.archive import opened
from bridgebench.eval.records.differences import differences
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.record import MODES, to_json
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.seal import file_hash, unsealed
from bridgebench.harness.benchmark.backends import run_jobs
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import Cell, Participant, all_cells, groups, select
from bridgebench.harness.benchmark.stored_profile import stored_profile
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.processes.devices import check_device
from bridgebench.harness.profiles.hub_file import is_hub_address
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.harness.profiles.variants import Variant
from bridgebench.harness.weights.hub import cached
from bridgebench.methods import names
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes, real_path


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
        folder: the run directory, or an archive of its records; nothing in it is changed.
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
    with opened(folder) as records, tempfile.TemporaryDirectory(prefix="bridgebench-") as name:
        stored, record = RunDirectory(records), RunDirectory(records).read_run()
        anew = RunDirectory(Path(name).resolve())
        device = record.protocol.get("device") or "cpu"
        check_device(device)
        root = data_root and real_path(data_root)
        profile = _stored_profile(stored.run_file, record, root)
        setup = Setup(profile, root, record.limit, anew.root, device)
        bench = workbench(setup)
        if bench.protocol.hash != record.protocol_hash:
            changed = "; ".join(map(str, differences(record.protocol, bench.protocol.record())))
            raise UserError(f"{folder} was measured by another protocol than the one here: {changed}.")
        chosen = _sample(stored, _planned(setup.profile, bench, record, say), cells, seed)
        if not chosen:
            raise UserError(f"{folder} has no finished cell that can be made again here.")
        say(f"{len(chosen)} cells are made again ({setup.profile.name}, seed {seed}).")
        bench.keep_features()
        jobs = [
            Job(setup, bench.protocol.hash, mode, attribute, tuple(found))
            for (mode, attribute), found in groups(chosen).items()
        ]
        for failed in run_jobs(run_job, jobs, backend="local", scheduler=None, workers=workers):
            for place in failed:
                said = anew.error_file(*place.rsplit("/", 2)).read_text("utf-8", "replace")
                say(f"{place} failed: {said.splitlines()[-1]}")
        return [RemadeCell("/".join(cell.place), _changes(stored, anew, cell)) for cell in chosen]


def _stored_profile(file: Path, record: RunRecord, root: Path | None) -> Profile:
    recorded = [*record.judges.values(), *(method.weights for method in record.methods.values())]
    known = {weights.sha256 for weights in recorded if weights is not None} | {record.features.digest}
    return stored_profile(file, _at_hand(record.profile), known, record.methods, root)


def _at_hand(table: dict[str, Any]) -> dict[str, Any]:
    """The profile as a run has recorded it, without variants of methods that are not installed here, and without
    weights files that are not here: what was trained or shipped here may be the same."""
    found, installed = dict(table), names()
    variants, weights = table.get("variants"), table.get("weights")
    if isinstance(variants, dict):
        found["variants"] = {
            name: variant
            for name, variant in variants.items()
            if not isinstance(variant, dict) or variant.get("method") in installed
        }
    if isinstance(weights, dict):
        found["weights"] = {name: named for name, named in weights.items() if _is_here(named)}
    return found


def _is_here(named: Any) -> bool:
    if not isinstance(named, str):
        return True  # the profile's own check tells what is wrong with it
    if not is_hub_address(named):
        return os.path.lexists(named)
    try:
        cached(named, "The run")
    except UserError:
        return False
    return True


def _planned(profile: Profile, bench: Workbench, record: RunRecord, say: Callable[[str], Any]) -> list[Cell]:
    """The cells of the run's methods that can take part here: installed ones, with the weights that were measured."""
    planned = []
    for name, method in sorted(record.methods.items()):
        if method.elsewhere is not None:
            say(f"Left out {name}: its edits were made elsewhere; `bridgebench score` measures them again.")
            continue
        measured_as = method.measured_as or name
        try:
            participant = _participant(profile, name, measured_as)
        except UserError as error:
            say(f"Left out {name}: {str(error).rstrip('.')}.")
            continue
        wanted = method.weights.sha256 if method.weights else None
        if participant.sha256 != wanted:
            say(f"Left out {name}: the weights here are not those that the run was measured with.")
            continue
        found = all_cells([participant], bench.columns, bench.protocol.hash, bench.others)
        if measured_as != name:  # its cells keep the keys under which they were measured
            variant = participant.variant or Variant(method=participant.method)
            renamed = replace(participant, card=replace(participant.card, name=name), variant=variant)
            found = [replace(cell, participant=renamed) for cell in found]
        planned += found
    order = {column: number for number, column in enumerate((*bench.columns, *bench.others))}
    return sorted(planned, key=lambda cell: (MODES.index(cell.mode), order[cell.attribute]))


def _participant(profile: Profile, name: str, measured_as: str) -> Participant:
    """A method as it was measured; its weights are those that the profile names for `name`.

    Raises:
        UserError: it is not installed here, or its weights are not at hand.
    """
    if measured_as not in profile.variants and measured_as not in names():
        raise UserError(f"there is no method '{measured_as}' here; its package has to be installed")
    weights = {key: path for key, path in profile.weights.items() if key != measured_as}
    weights |= {measured_as: profile.weights[name]} if name in profile.weights else {}
    own = profile.model_copy(update={"weights": weights})
    participants, _ = select(own, [measured_as], has_truth=profile.data.name in DRAWN_HERE)
    return participants[0]


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
        name = path.relative_to(anew.root).as_posix()
        if path.is_file() and not _same_file(path, stored.root / name, before.files.get(name)):
            changes.append(f"another {name}")
    alike = before.files == after.files  # an archive's outcomes lack the readings
    if not changes and alike and not _same_bytes(anew.cell_file(*cell.place), stored.cell_file(*cell.place)):
        changes.append("the same numbers in other bytes")
    return changes


def _same_file(made: Path, stored: Path, listed: str | None) -> bool:
    """Whether a file that was made again is the stored one, or of a picture that an archive lacks, has its hash."""
    if not stored.exists():
        return file_hash(made) == listed
    if _same_bytes(made, stored):
        return True
    if made.suffix != ".npz":
        return False
    return Outcomes.read(made).without_readings().to_bytes() == read_bytes(stored, follow=False)


def _same_bytes(made: Path, stored: Path) -> bool:
    """Whether a file that was made again is the stored one; a stored record from before there were seals has none."""
    try:
        one, two = read_bytes(made), read_bytes(stored, follow=False)
    except (OSError, ValueError):
        return False
    return one == two or (made.suffix == ".json" and two == to_json(unsealed(parse_json(one))))
