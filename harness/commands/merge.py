"""`bridgebench merge`: runs of one protocol, joined into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import AsJson
from bridgebench.harness.commands.output import show, show_json
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.methods.core.errors import UserError

JSON_FIELDS = (
    "run; protocol, its hash; cells, how many it has; twice, how many of them several runs have, alike; methods; "
    "renamed, each with run, from and to; sources, each with id, by, created and methods."
)


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, or archives of records.")],
    out: Annotated[Path, typer.Option(help="The run directory to make.")],
    as_json: AsJson = False,
) -> None:
    """Joins runs of one protocol into one, and keeps who made what.

    Runs of another protocol are refused, and so is a cell that has other numbers in two runs. A method that two runs
    have with other weights is kept twice, under two names.
    """
    from bridgebench.eval.records.merge import merge
    from bridgebench.harness.processes.holder import writer

    if len(runs) < 2:
        raise UserError("`merge` takes at least two runs.")
    found = merge(runs, out, writer)
    for run, old, new in found.renamed:
        LOGGER.info("The method '%s' of %s is another one than that of the runs before: it is now '%s'.", old, run, new)
    if found.left_out:
        LOGGER.warning("Left out: %d cells of other protocols, which lay in these runs.", found.left_out)
    record = found.record
    if as_json:
        show_json(
            {
                "run": str(out),
                "protocol": record.protocol_hash,
                "cells": found.cells,
                "twice": found.twice,
                "methods": [*record.methods],
                "renamed": [{"run": run, "from": old, "to": new} for run, old, new in found.renamed],
                "sources": [
                    {"id": source.id, "by": source.by, "created": source.created, "methods": [*source.methods]}
                    for source in record.sources
                ],
            }
        )
        return
    alike = f", {found.twice} of them in several runs alike" if found.twice else ""
    show(
        f"Wrote {out}: {len(record.methods)} methods, {found.cells} cells{alike}; protocol {record.protocol_hash[:12]}."
    )
