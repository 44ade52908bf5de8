"""Builds the pages of a run: one static folder, made from the run directory alone, opened from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridgebench.eval.records.marks import check_folder, has_our_page, is_our_page, mark
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes, refuse_existing, write_bytes
from bridgebench.reports.figures.boards import FIGURE_12, Boards
from bridgebench.reports.figures.comparison import ComparisonGrids
from bridgebench.reports.figures.conversions import ConversionGrids
from bridgebench.reports.pages.cells import CellPages
from bridgebench.reports.pages.columns import column_pages
from bridgebench.reports.pages.front import front_page
from bridgebench.reports.pages.html import Frame, Links, Page, Site, rendered, script, source_text
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.pages.methods import method_pages
from bridgebench.reports.pages.provenance import provenance_page
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.tables import exports

COPIED = ("run.json", "baselines.json")


def build(run_dir: Path, out: Path | None = None, *, single: bool = False, for_others: bool = False) -> Path:
    """Writes the pages of a run directory; the same records give the same bytes.

    Args:
        run_dir: a run directory, as `bridgebench benchmark` writes it; finished or not.
        out: where to write; default: the folder ``report`` in the run directory, or with `single` the file
            ``report.html`` there.
        single: write one HTML file that holds everything. It is meant for others.
        for_others: the pages are meant for others: of images that may not be passed on they show what networks made
            of them alone.

    Returns:
        The path of index.html, or of the one file.

    Raises:
        UserError: the run directory is missing or damaged, or `out` is a file of somebody else or cannot be written.
    """
    out = run_dir / ("report.html" if single else "report") if out is None else out
    run = Run(run_dir, for_others=single or for_others)
    if single:
        if not is_our_page(out):
            refuse_existing(out)
        write_bytes(out, single_file(site_of(run)))
        return out
    check_folder(out, "pages", older=has_our_page)
    pages = render(run)
    mark(out, "pages")
    for name, data in pages.items():
        write_bytes(out / name, data, durable=False)
    return out / "index.html"


def site_of(run: Run, faces: int | None = None) -> Site:
    """The pages of a run, with all their pictures and files; `faces` is as in `ComparisonGrids`."""
    layout, figures = Layout(run), ComparisonGrids(run, faces)
    grids = figures.grid_sets()
    downloads = {"summary.csv": run.summary().encode()}
    downloads |= {name: _copied(run.folder / name) for name in COPIED if run.has(run.folder / name)}
    cells = CellPages(run, layout, grids)
    conversions, boards = ConversionGrids(run), Boards(run, faces)
    pages = [
        front_page(run, grids, boards.figure(FIGURE_12), list(downloads)),
        *method_pages(run, layout, grids, conversions),
        *column_pages(run, layout, grids, conversions),
        provenance_page(run, layout, list(downloads)),
        *([Page(layout.figures, "figures.html.j2", {"figures": boards.figures})] if boards.figures else []),
        *cells.pages,
    ]
    exported = exports.files(table for page in pages for table in page.tables)
    files = {**figures.files, **conversions.files, **boards.files, **cells.files, **downloads, **exported}
    common = {"nav": _navigation(run, layout, boards), "side": run.record.data.image_size}
    return Site(pages, files, common)


def render(run: Run) -> dict[str, bytes]:
    """All files of a run's folder of pages by their paths inside it."""
    site, frame = site_of(run), Frame((script("report.js"),))
    pages = {page.path: rendered(page, Links(page.path), frame, site.common).encode() for page in site.pages}
    return {**site.files, **pages, "style.css": source_text("report.css").encode()}


def _copied(path: Path) -> bytes:
    try:
        return read_bytes(path, follow=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}).") from error


def _navigation(run: Run, layout: Layout, boards: Boards) -> dict[str, Any]:
    """What leads from every page to every other: titles and paths."""
    return {
        "run": f"{run.record.profile_name}, protocol {run.record.protocol_hash[:12]}",
        "noun": run.noun,
        "sample": run.words.image,
        "methods": [(run.called(name), layout.method(name)) for name in run.methods],
        "columns": [(run.spoken(column), layout.column(column)) for column in run.columns],
        "modes": list(MODE_TITLES.values()),
        "method_links": {name: layout.method(name) for name in run.methods},
        "figures": layout.figures if boards.figures else "",
        "provenance": layout.provenance,
        "untested": run.untested,
    }
