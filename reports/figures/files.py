"""The figures of a run as files for a paper, each as PNG and as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.figures.boards import Boards
from bridgebench.reports.figures.comparison import Figures
from bridgebench.reports.figures.domains import Matrices
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
    sheets = list(_sheets(run))
    if not sheets:
        raise UserError(f"{run_dir} holds no pictures to make figures of.")
    scale = max(1, round(_SIDE / run.record.data.image_size))
    for sheet in sheets:
        write_bytes(out / f"{sheet.name}.png", png_bytes(comparison_grid(sheet.rows, sheet.columns, scale=scale)))
        write_bytes(out / f"{sheet.name}.pdf", grid_pdf(sheet.rows, sheet.columns))
    return out


def _sheets(run: Run) -> Iterator[LabelledGrid]:
    yield from Figures(run).sheets()
    layout = Layout(run)
    for matrix, sheet in Matrices(run).sheets():
        method = layout.method_slug(matrix.method) if matrix.method else "true-edit"
        conversion = layout.column_slug(matrix.conversion)
        yield LabelledGrid(f"{conversion}-{matrix.mode}-{method}", sheet.columns, sheet.rows)
    yield from Boards(run).sheets()
