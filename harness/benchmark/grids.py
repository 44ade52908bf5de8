"""Grids of conversions, as the paper's Figs 6-10 have them, kept so that a page needs no model.

Sources along the top. By reference, each row takes one reference for all sources; by label, each row is a draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bridgebench.harness.benchmark.cases import Case
from bridgebench.harness.benchmark.editing import TrueEdits, edit_images
from bridgebench.harness.data.pixels import grid_png, strip_png
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.labels import Change

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.plan import Cell
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor

SIDE = 6  # sources, and references or draws


def write_grid(bench: Workbench, cell: Cell, editor: Editor, name: str) -> None:
    """Edits the grid of a cell; a method without noise has one row by label."""
    rows = SIDE if cell.mode == "reference" or editor.card.stochastic else 1
    case = _grid_case(bench, cell.mode, bench.space.change(name), rows)
    edited = edit_images(bench, editor, case.sources, case.targets, case.references, case.draws)
    write_bytes(bench.run.grid_file(*cell.place), grid_png(edited, case.n))


def write_grid_images(bench: Workbench, mode: str, name: str, true_edits: TrueEdits | None) -> None:
    """The sources, the references and the true edits of a grid; of true edits by label there is one row."""
    run, change = bench.run, bench.space.change(name)
    sources, references = bench.edited(change.source)[:SIDE], bench.space.rows(bench.labels, change.target)[:SIDE]
    write_bytes(run.grid_images("source", str(change.source)), strip_png(bench.images(sources)))
    write_bytes(run.grid_images("reference", change.target), strip_png(bench.images(references)))
    if true_edits is not None:
        case = _grid_case(bench, mode, change, SIDE if mode == "reference" else 1)
        truth = true_edits.of(case.sources, case.targets, case.references)
        write_bytes(run.grid_file("truth", mode, name), grid_png(truth, case.n))


def _grid_case(bench: Workbench, mode: str, change: Change, rows: int) -> Case:
    sources = bench.edited(change.source)[:SIDE]
    references = bench.space.rows(bench.labels, change.target)[:rows]
    if mode == "reference":
        rows = len(references)
    edited = np.tile(sources, rows)
    return Case(
        column=bench.space.index(change.target),
        sources=edited,
        targets=bench.space.target(bench.labels[edited], change.target).astype(np.uint8),
        draws=np.repeat(np.arange(rows), len(sources)),
        references=np.repeat(references, len(sources)) if mode == "reference" else None,
        outputs=rows,
    )
