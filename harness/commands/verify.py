"""`bridgebench verify`: some cells of a run, made again and compared with the stored ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory.")],
    cells: Annotated[int, typer.Option(min=1, help="How many of its cells, drawn at random.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Makes some cells of a run again and compares them with the stored ones; exit code 1 if any differs."""
    from bridgebench.harness.benchmark.verify import verify_run

    different = verify_run(run, cells=cells, seed=seed, workers=workers, data_root=data_root, say=typer.echo)
    typer.echo(f"{len(different)} differ." if different else "All of them are the stored ones, byte for byte.")
    raise typer.Exit(1 if different else 0)
