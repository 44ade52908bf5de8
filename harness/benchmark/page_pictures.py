"""Pictures that pages show beside the numbers. They are stored, so that making a page needs no model.

For attributes: pairs as in the paper's Figures 11 to 13 (two test images that differ in some attributes, each the
reference of the other), and steps from a label edit to a reference edit, for a method whose option `mix` weighs the
code of the label against the code of the reference. For domains: grids of conversions as in the paper's Figures 6 to
10, with sources along the top and one row per reference (or per draw, for label edits).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.directory import TRUTH
from bridgebench.eval.records.pictures import grid_png, strip_png
from bridgebench.harness.benchmark.case import VARIED, Case
from bridgebench.harness.benchmark.edits import TrueEdits, edit_images
from bridgebench.harness.benchmark.kinds import MIXES
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.labels import Change

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.plan import Cell
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor

# Which pairs are made with the cells of each attribute.
PAIRS = {"Male": (("Male",),), "Bangs": (("Bangs",), ("Mouth_Slightly_Open", "Bangs"))}
PAIR_ROWS = 6
MIX_ROWS = 2
GRID_SIDE = 6  # number of sources, and of references or draws, in a grid of conversions


def write_pairs(bench: Workbench, attribute: str, editor: Editor, name: str) -> None:
    """Writes the pairs of the method `name`. A row shows one image, its edit, the other's edit, and the other image."""
    for attributes in PAIRS.get(attribute, ()):
        case = pair_case(bench, attributes)
        if case is not None and set(attributes) <= set(editor.editable):
            edits = edit_images(bench, editor, case.sources, case.targets, case.references, case.draws)
            _write_board(bench, name, attributes, case, edits)


def write_true_pairs(bench: Workbench, attribute: str, true_edits: TrueEdits) -> None:
    """Writes the same pairs with true edits."""
    for attributes in PAIRS.get(attribute, ()):
        case = pair_case(bench, attributes)
        if case is not None:
            _write_board(bench, TRUTH, attributes, case, true_edits.of(case))


def pair_case(bench: Workbench, attributes: tuple[str, ...]) -> Case | None:
    """The edits of all pairs: first the edits of the first images, then of the second images; None if there is no pair.

    A pair is the next test image with all `attributes` and the next test image with none of them.
    """
    if not set(attributes) <= set(bench.attributes):
        return None
    columns = [list(bench.attributes).index(name) for name in attributes]
    shown = bench.labels[: bench.n, columns]
    both = zip(np.flatnonzero(shown.all(axis=1)), np.flatnonzero(~shown.any(axis=1)), strict=False)
    pairs = np.array(list(both)[:PAIR_ROWS], dtype=np.int64)
    if not len(pairs):
        return None
    sources, references = np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([pairs[:, 1], pairs[:, 0]])
    targets = bench.labels[sources]
    for name in attributes:
        targets = bench.space.target(targets, name)
    flipped = np.tile(np.isin(np.arange(len(bench.attributes)), columns), (len(sources), 1))
    draws = np.zeros(len(sources), np.int64)
    return Case(VARIED, sources, targets.astype(np.uint8), draws, references, several=flipped)


def _write_board(
    bench: Workbench, method: str, attributes: tuple[str, ...], case: Case, edits: NDArray[np.uint8]
) -> None:
    half = len(edits) // 2
    first, second = bench.images(case.sources[:half]), bench.images(case.sources[half:])
    board = np.stack([first, edits[:half], edits[half:], second], axis=1)
    path = bench.run.pairs_file(method, attributes)
    write_bytes(path, grid_png(board.reshape(-1, *board.shape[2:]), 4))


def write_mixes(bench: Workbench, attribute: str, editor: Editor, name: str, case: Case) -> None:
    """Writes rows of source, five edits from label to reference, and reference, for a method with the option `mix`."""
    if "mix" not in editor.options:
        return
    part = case.take(slice(MIX_ROWS))
    arguments = (bench, editor, part.sources, part.targets, part.references, part.draws)
    edits = [edit_images(*arguments, options={"mix": mix}) for mix in MIXES]
    references = part.references
    assert references is not None
    board = np.stack([bench.images(part.sources), *edits, bench.images(references)], axis=1)
    path = bench.run.interpolation_file(name, attribute)
    write_bytes(path, grid_png(board.reshape(-1, *board.shape[2:]), 2 + len(MIXES)))


def write_grid(bench: Workbench, cell: Cell, editor: Editor, name: str) -> None:
    """Makes and writes the grid of a cell; for label edits, a method without noise has one row."""
    rows = GRID_SIDE if cell.mode == "reference" or editor.card.stochastic else 1
    case = _grid_case(bench, cell.mode, bench.space.change(name), rows)
    edited = edit_images(bench, editor, case.sources, case.targets, case.references, case.draws)
    write_bytes(bench.run.grid_file(*cell.place), grid_png(edited, case.n))


def write_grid_images(bench: Workbench, mode: str, name: str, true_edits: TrueEdits | None) -> None:
    """Writes the sources, references and true edits of a grid; true edits by label have one row."""
    run, change = bench.run, bench.space.change(name)
    sources = bench.edited(change.source)[:GRID_SIDE]
    references = bench.space.rows(bench.labels, change.target)[:GRID_SIDE]
    write_bytes(run.grid_images("source", str(change.source)), strip_png(bench.images(sources)))
    write_bytes(run.grid_images("reference", change.target), strip_png(bench.images(references)))
    if true_edits is not None:
        case = _grid_case(bench, mode, change, GRID_SIDE if mode == "reference" else 1)
        truth = true_edits.of(case)
        write_bytes(run.grid_file(TRUTH, mode, name), grid_png(truth, case.n))


def _grid_case(bench: Workbench, mode: str, change: Change, rows: int) -> Case:
    sources = bench.edited(change.source)[:GRID_SIDE]
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
