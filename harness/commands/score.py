"""`bridgebench score`: edits that were made elsewhere, measured as a method of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot, Workers
from bridgebench.harness.commands.output import show
from bridgebench.harness.commands.tasks import EditsOption, TaskFolderArgument
from bridgebench.harness.processes.messages import LOGGER


def score(
    folder: TaskFolderArgument,
    name: Annotated[str, typer.Option(help="How the run calls the method.")],
    out: Annotated[Path | None, typer.Option(help="The run directory; runs/PROFILE by default.")] = None,
    edits: EditsOption = None,
    title: Annotated[str, typer.Option(help="How tables call it; its name by default.")] = "",
    about: Annotated[str, typer.Option(help="What it does, in a sentence, for its page.")] = "",
    skip_incomplete: Annotated[
        bool, typer.Option("--skip-incomplete", help="Leave out cells some of whose edits are missing.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option(help="The profile of the export, where its weights lie elsewhere here.")
    ] = None,
    workers: Workers = None,
    data_root: DataRoot = None,
) -> None:
    """Measures edits that were made elsewhere.

    They are those of `bridgebench tasks export`. Their cells stand in the run and on its page beside those of the
    methods that run here, under the same protocol.
    """
    from bridgebench.harness.benchmark.score import score
    from bridgebench.harness.commands.pages import pages_of
    from bridgebench.harness.profiles.profile import load_profile

    run, failed = score(
        folder,
        name,
        out,
        edits=edits,
        profile=None if profile is None else load_profile(profile),
        title=title,
        about=about,
        skip_incomplete=skip_incomplete,
        workers=workers,
        data_root=data_root,
        say=LOGGER.info,
    )
    show(f"The page: {pages_of(run)}")
    raise typer.Exit(1 if failed else 0)
