"""`bridgebench tasks`: the edits of a benchmark as files, to be made elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from bridgebench.harness.commands.benchmark import Split
from bridgebench.harness.commands.options import (
    AsJson,
    DataRoot,
    ProfileOption,
    SkipDamaged,
    command,
    names_of,
    open_profile,
)
from bridgebench.harness.commands.output import show, show_json
from bridgebench.methods.core.errors import UserError

if TYPE_CHECKING:
    from bridgebench.eval.records.record import CellKind

app = typer.Typer(help="Edits made elsewhere: ask for them, look at them.")

_CHECK_FIELDS = (
    "folder; asked and there, how many edits; missing, identical and surplus, paths; wrong_size and damaged, paths "
    "with what is wrong; usable, true or false."
)
EditsOption = Annotated[Path | None, typer.Option(help="Where the edits are; DIR/edits by default.")]
TaskFolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of `bridgebench tasks export`.")]


class OneMode(StrEnum):
    """The modes of edits."""

    LABEL = "label"
    REFERENCE = "reference"


@command(app, "export")
def export(
    profile: ProfileOption = "faces64",
    out: Annotated[Path | None, typer.Option(help="The folder to write; PROFILE-tasks by default.")] = None,
    mode: Annotated[OneMode | None, typer.Option(help="Edits of this mode only.")] = None,
    kinds: Annotated[
        str | None, typer.Option(help="Cells of these kinds only, a,b,...: 'flip' is the main tables.")
    ] = None,
    split: Annotated[Split | None, typer.Option(help="Whose images are edited; else the profile's.")] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="Use the first N test images only.")] = None,
    device: Annotated[str, typer.Option(help="The device of the run that these edits are to join.")] = "cpu",
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
) -> None:
    """Writes the edits that a benchmark asks for as files.

    Sources, references, labels and one line a task. Make the edits by whatever you like; `bridgebench score` then
    measures them like those of any method.
    """
    found = open_profile(profile, skip_damaged)
    if split is not None:
        found = found.on_split(split.value)
    from bridgebench.harness.benchmark.export import export_tasks

    folder = out or Path(f"{found.name}-tasks")
    written = export_tasks(
        found,
        folder,
        modes=None if mode is None else (mode.value,),
        kinds=_kinds(kinds),
        limit=limit,
        data_root=data_root,
        device=device,
    )
    show(
        f"Wrote {folder}: {written.tasks:,} edits to be made, of {written.images:,} images (protocol "
        f"{written.protocol_hash[:12]}). {folder / 'README.md'} says how."
    )


def _kinds(text: str | None) -> list[CellKind] | None:
    from bridgebench.eval.records.record import CellKind

    known = get_args(CellKind)
    found = names_of(text)
    unknown = [name for name in found or () if name not in known]
    if unknown or found == []:
        raise UserError(f"--kinds takes some of {', '.join(known)}, not '{text}'.")
    return cast("list[CellKind] | None", found)


@command(app, "check", json_fields=_CHECK_FIELDS)
def check(folder: TaskFolderArgument, edits: EditsOption = None, as_json: AsJson = False) -> None:
    """Looks at edits: which are there, missing, or wrong.

    Needs no data set and no network. Exit code 1: some are missing, damaged or of the wrong size.
    """
    from bridgebench.eval.records.tasks import TaskFolder
    from bridgebench.harness.benchmark.handed_in import check_folder_of_tasks, edits_in

    tasks = TaskFolder(folder)
    found = edits_in(tasks, edits or tasks.edits, check_folder_of_tasks(tasks))
    if as_json:
        show_json({"folder": str(folder), **found.plain(), "usable": found.usable})
    else:
        for line in found.lines():
            show(line)
    raise typer.Exit(1 if found.missing or not found.usable else 0)
