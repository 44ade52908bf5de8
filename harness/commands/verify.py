"""`bridgebench verify`: some cells of a run, made again and compared with the stored ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import AsJson, DataRoot, Workers
from bridgebench.harness.commands.output import show, show_json
from bridgebench.harness.processes.messages import LOGGER

JSON_FIELDS = (
    "run; cells, each with cell (method/mode/column), same (true or false) and changes (text); different, how many "
    "differ."
)


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory.")],
    cells: Annotated[int, typer.Option(min=1, help="How many of its cells, drawn at random.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    workers: Workers = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Makes some cells of a run again, to compare.

    Exit code 1: a cell differs from the stored one.
    """
    from bridgebench.harness.benchmark.verify import verify_run

    found = verify_run(run, cells=cells, seed=seed, workers=workers, data_root=data_root, say=LOGGER.info)
    different = sum(not cell.same for cell in found)
    if as_json:
        listed = [{"cell": cell.place, "same": cell.same, "changes": cell.changes} for cell in found]
        show_json({"run": str(run), "cells": listed, "different": different})
    else:
        for cell in found:
            mark, changes = ("same     ", "") if cell.same else ("DIFFERENT", f": {'; '.join(cell.changes)}")
            show(f"{mark}  {cell.place}{changes}")
        show(f"{different} differ." if different else "All of them are the stored ones, byte for byte.")
    raise typer.Exit(1 if different else 0)
