"""A run as a notebook shows it: what was run, and the tables that its page begins with."""

from __future__ import annotations

from pathlib import Path

from bridgebench.eval.records.record import MODES
from bridgebench.methods.core.notebook import facts_html, table_html
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import Row, Table


def run_html(folder: Path) -> str:
    """The run in a directory as a piece of HTML, everything in it escaped.

    Raises:
        UserError: the folder is no run directory, or no cell of it is finished.
    """
    run = Run(folder)
    record = run.record
    facts = {
        "folder": folder,
        "cells": f"{len(run.cells) + len(run.others)} of {record.planned}",
        "failed": ", ".join("/".join(place) for place in sorted(run.failed)),
        "images": f"{record.data.n_test} of {record.data.name}, {record.data.image_size} px",
        "protocol": record.protocol_hash[:12],
        "made": record.created,
    }
    return facts_html(f"Benchmark {record.profile_name}", facts) + "".join(map(_table_html, _tables(run)))


def _tables(run: Run) -> list[Table]:
    found = []
    for mode in MODES:
        results = Results(run, run.record.protocol_hash, mode)
        about = f"The mean over the {run.noun}s."
        table = results.by_measure(results.cards("overview"), f"overview-{mode}", MODE_TITLES[mode], about)
        if table.heads:
            found.append(table)
    return found


def _table_html(table: Table) -> str:
    heads = [table.corner, *(f"{head.title} ({head.small})" if head.small else head.title for head in table.heads)]
    rows = [_texts(row) for group in table.groups for row in group.rows]
    return table_html(table.title, heads, rows, table.notes)


def _texts(row: Row) -> list[str]:
    """The row's title and its values, each with the small print under it."""
    texts = []
    for cell in row.cells:
        note = f" [{cell.note}]" if cell.note else ""
        texts += [" ".join(filter(None, (cell.text, cell.small))) + note, *[""] * (cell.span - 1)]
    return [row.title, *texts]
