"""The figures of a run as files for a paper, each as PNG and as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridgebench.eval.records.marks import check_folder, mark
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.figures.boards import Boards
from bridgebench.reports.figures.comparison import ComparisonGrids
from bridgebench.reports.figures.conversions import ConversionGrids
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.run import Run
from bridgebench.templates.grids import LabelledGrid, comparison_grid, grid_pdf, png_bytes

_SIDE = 96  # smaller images are enlarged to about this


def write_figures(run_dir: Path, out: Path | None = None) -> Path:
    """Writes every comparison grid (Figures 14 to 19), grid of conversions (6 to 10) and board of pairs (11 to 13).

    Args:
        run_dir: a run directory.
        out: the folder; default: ``figures`` in the run directory.

    Raises:
        UserError: the run is damaged or holds no pictures, or `out` cannot be written.
    """
    run = Run(run_dir)
    out = run_dir / "figures" if out is None else out
    labelled = list(_labelled(run))
    if not labelled:
        raise UserError(f"{run_dir} holds no pictures to make figures of.")
    check_folder(out, "figures")
    mark(out, "figures")
    scale = max(1, round(_SIDE / run.record.data.image_size))
    for grid in labelled:
        write_bytes(out / f"{grid.name}.png", png_bytes(comparison_grid(grid.rows, grid.columns, scale=scale)))
        write_bytes(out / f"{grid.name}.pdf", grid_pdf(grid.rows, grid.columns))
    return out


def _labelled(run: Run) -> Iterator[LabelledGrid]:
    yield from ComparisonGrids(run).labelled()
    layout = Layout(run)
    for found, grid in ConversionGrids(run).labelled():
        method = layout.method_slug(found.method) if found.method else "true-edit"
        conversion = layout.column_slug(found.conversion)
        yield LabelledGrid(f"{conversion}-{found.mode}-{method}", grid.columns, grid.rows)
    yield from Boards(run).labelled()
