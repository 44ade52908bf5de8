"""`bridgebench benchmark`: from a profile to the page of its run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot, ProfileOption, SkipDamaged, Workers, names_of, open_profile
from bridgebench.harness.commands.output import show
from bridgebench.harness.processes.messages import LOGGER


class Split(StrEnum):
    """The images that can be edited."""

    TEST = "test"
    VALIDATION = "validation"


def benchmark(
    profile: ProfileOption = "faces64",
    methods: Annotated[str | None, typer.Option(help="These methods or variants, a,b,...; else the profile's.")] = None,
    split: Annotated[
        Split | None, typer.Option(help="Whose images are edited; else the profile's: choose recipes on validation.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="Use the first N test images only.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory; runs/PROFILE by default.")] = None,
    backend: Annotated[str, typer.Option(help="'local' (processes of this machine) or 'dask'.")] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tls://...")] = None,
    trust_network: Annotated[
        bool,
        typer.Option("--trust-network", help="Without TLS: all on its network may run code here."),
    ] = False,
    workers: Workers = None,
    device: Annotated[str, typer.Option(help="Where networks compute: 'cpu', or 'cuda' for a GPU.")] = "cpu",
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
) -> None:
    """Edits, measures and shows.

    A second call does only what is missing or changed.
    """
    found = open_profile(profile, skip_damaged)
    from bridgebench.harness.benchmark.finished import run_unless_finished, usual_folder
    from bridgebench.harness.commands.pages import pages_of

    if split is not None:
        found = found.on_split(split.value)
    run = out or usual_folder(found, limit)
    failed = run_unless_finished(
        found,
        run,
        methods=names_of(methods),
        limit=limit,
        backend=backend,
        scheduler=scheduler,
        trust_network=trust_network,
        workers=workers,
        data_root=data_root,
        device=device,
        say=LOGGER.info,
    )
    show(f"The page: {pages_of(run)}")  # made from the records alone: `bridgebench report` makes it again
    raise typer.Exit(1 if failed else 0)
