"""`bridgebench score`: measures edits that were made elsewhere, as a method of a run."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridgebench.eval.records.differences import differences
from bridgebench.eval.records.directory import TRUTH, RunDirectory
from bridgebench.eval.records.record import Mode
from bridgebench.eval.records.run import MadeElsewhere, RunRecord
from bridgebench.eval.records.seal import hash_of
from bridgebench.eval.records.tasks import TaskFolder, TasksRecord
from bridgebench.harness.benchmark.export import lines_of
from bridgebench.harness.benchmark.finished import usual_folder
from bridgebench.harness.benchmark.handed_in import Elsewhere, HandedIn, check_folder_of_tasks, edits_in
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.runner import check_out, run_benchmark
from bridgebench.harness.benchmark.stored_profile import stored_profile
from bridgebench.harness.benchmark.tasks import TaskList, task_list
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.processes.devices import check_device
from bridgebench.harness.profiles.profile import Profile
from bridgebench.methods import names
from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes, real_path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it becomes the name of folders
_TAKEN = (TRUTH, "shared", "source", "reference")  # folders beside those of methods
_LONGEST = 500  # characters of what is said of the method
_LARGEST_LINES = 2**30
_log = logging.getLogger(__name__)


def score(
    folder: Path,
    name: str,
    out: Path | None,
    *,
    edits: Path | None = None,
    profile: Profile | None = None,
    title: str = "",
    about: str = "",
    skip_incomplete: bool = False,
    workers: int | None = None,
    data_root: Path | None = None,
    say: Callable[[str], Any] = print,
) -> tuple[Path, list[str]]:
    """Measures the edits in a folder of tasks under the protocol that asked for them.

    The edits are looked at before anything is written. Cells that were measured with the same edits are not measured
    again, so that a call that was stopped is finished by the same call.

    Args:
        folder: the folder of tasks.
        name: how the method is called in the run.
        out: the run directory; other methods' cells of the same protocol stay. None: that of the profile in ``runs/``.
        edits: where the edits are; None: in the folder of tasks.
        profile: the profile by which the tasks were exported; None: the one that they hold.
        title: how tables call the method; by default its name.
        about: what it does, in a sentence.
        skip_incomplete: whether a cell some of whose edits are missing is left out; else such edits are refused.
        workers: processes of this machine.
        data_root: folder of the data set.
        say: called with each line for the user.

    Returns:
        The run directory, and the cells that failed, as ``method/mode/attribute``.

    Raises:
        UserError: the folder or its edits cannot be used, or the run has numbers of another protocol; nothing has been
            written then.
    """
    _check_words(name, title, about)
    tasks = TaskFolder(folder)
    record = check_folder_of_tasks(tasks)
    root = data_root and real_path(data_root)
    found_profile = _profile(tasks, record, root) if profile is None else _on_split(profile, record)
    out = out or usual_folder(found_profile, record.limit)
    if name in names() or name in found_profile.variants:
        raise UserError(f"'{name}' is a method that is installed: give the edits a --name of their own.")
    place = edits or tasks.edits
    found = edits_in(tasks, place, record)
    there, *warnings = found.lines()
    say(there)
    for line in warnings:
        _log.warning(line)
    _check_usable(found, place, skip_incomplete=skip_incomplete)
    run = RunDirectory(out)
    check_out(run)
    old = RunRecord.find(run.run_file)
    _check_run(run, old, record, name)

    device = record.protocol.get("device") or "cpu"
    check_device(device)
    setup = Setup(found_profile, root, record.limit, real_path(out), device)
    bench = workbench(setup)
    if bench.protocol.hash != record.protocol_hash:
        changed = "; ".join(map(str, differences(record.protocol, bench.protocol.record())))
        raise UserError(f"{folder} was exported by another protocol than the one here: {changed}.")
    asked = task_list(bench, record.modes, record.kinds)
    if lines_of(asked) != read_bytes(tasks.lines_file, _LARGEST_LINES, follow=False):
        raise UserError(
            f"{tasks.lines_file} does not ask for what this protocol asks for: it was altered; export the tasks again."
        )
    card = MethodCard(
        name=name,
        title=title or name,
        modes=frozenset(_modes(asked, found)),
        kind="method",
        paper="",
        summary=about,
        editor="",
        strength=(0.0, 1.0, 1.25),
        quirks=_quirks(found),
    )
    method = Participant(card, None, None, None, "made elsewhere", elsewhere=_elsewhere(asked, real_path(place), found))
    failed = run_benchmark(
        found_profile,
        out,
        elsewhere=method,
        limit=record.limit,
        workers=workers,
        data_root=data_root,
        device=device,
        say=say,
    )
    return out, failed


def _check_words(name: str, title: str, about: str) -> None:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise UserError(
            f"--name {name!r} cannot name a method: take up to 64 letters, digits, '.', '_' and '-', other than "
            f"{', '.join(_TAKEN)}."
        )
    for option, text in (("--title", title), ("--about", about)):
        if len(text) > _LONGEST or not text.isprintable():
            raise UserError(f"{option} takes a line of at most {_LONGEST} characters.")


def _profile(tasks: TaskFolder, record: TasksRecord, root: Path | None) -> Profile:
    known = {weights.sha256 for weights in record.judges.values() if weights is not None} | {record.features.digest}
    return stored_profile(tasks.record_file, record.profile, known, (), root)


def _on_split(profile: Profile, record: TasksRecord) -> Profile:
    """The user's own profile, on the images whose edits were asked for."""
    split = record.protocol.get("data", {}).get("split")
    return profile.on_split("validation" if split == "validation" else "test")


def _check_usable(found: HandedIn, place: Path, *, skip_incomplete: bool) -> None:
    if found.wrong_size or found.damaged:
        wrong = len(found.wrong_size) + len(found.damaged)
        raise UserError(f"{wrong:,} edits in {place} cannot be used (see above): make them again; nothing was written.")
    if not found.hashes:
        raise UserError(f"There is no edit in {place} that the tasks ask for; nothing was written.")
    if found.incomplete and not skip_incomplete:
        folders = ", ".join(found.incomplete)
        raise UserError(
            f"Some edits of {folders} are missing in {place} (see above): make them, remove the others of these "
            "folders, or leave such cells out with --skip-incomplete; nothing was written."
        )


def _check_run(run: RunDirectory, old: RunRecord | None, record: TasksRecord, name: str) -> None:
    if old is None:
        return
    if old.protocol_hash != record.protocol_hash:
        changed = "; ".join(map(str, differences(old.protocol, record.protocol)))
        raise UserError(
            f"{run.root} has numbers of another protocol than the tasks ({changed}): they never stand in one table; "
            "give another --out."
        )
    taken = old.methods.get(name)
    if taken is not None and taken.elsewhere is None:
        raise UserError(f"{run.root} has a method '{name}' that was not made elsewhere: give another --name.")


def _modes(asked: TaskList, found: HandedIn) -> set[Mode]:
    """The modes of whose cells some edit is there."""
    there = {key for key, task in asked.tasks.items() if task.edit in found.hashes}
    return {mode for (mode, _), keys in asked.needed.items() if not there.isdisjoint(keys)}


def _elsewhere(asked: TaskList, folder: Path, found: HandedIn) -> Elsewhere:
    cells = {
        f"{mode}/{name}": hash_of([found.hashes.get(asked.tasks[key].edit) for key in keys])
        for (mode, name), keys in asked.needed.items()
    }
    mixes = [key for key in asked.cells if key.mix is not None]
    return Elsewhere(
        folder=folder,
        modes=asked.modes,
        kinds=asked.kinds,
        hashes=found.hashes,
        cells=cells,
        mixes=bool(mixes) and all(asked.tasks[key].edit in found.hashes for key in mixes),
        record=MadeElsewhere(
            edits=len(found.hashes), asked=found.asked, identical=len(found.identical), sha256=found.digest
        ),
    )


def _quirks(found: HandedIn) -> str:
    """What a reader of its results should know."""
    said = ["Its edits were made elsewhere and handed in as files: bridgebench has not seen how, so nothing is said of"]
    said += ["its time, memory or parameters, and there are no repeated draws."]
    if found.identical:
        said.append(
            f"{len(found.identical):,} of {len(found.hashes):,} edits are identical to their source, though they were "
            "to change something."
        )
    return " ".join(said)
