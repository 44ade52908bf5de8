"""Builds the pages of a run: one static folder, made from the run directory alone, opened from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.reading import read_bytes
from bridgebench.reports.figures.boards import Boards
from bridgebench.reports.figures.comparison import Figures
from bridgebench.reports.figures.domains import Matrices
from bridgebench.reports.pages.cell import Drill
from bridgebench.reports.pages.columns import column_pages
from bridgebench.reports.pages.front import front_page
from bridgebench.reports.pages.layout import Layout, Page
from bridgebench.reports.pages.methods import method_pages
from bridgebench.reports.pages.script import script
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.tables import exports
from bridgebench.reports.words.provenance import provenance_page
from bridgebench.templates import environment
from jinja2 import Environment

COPIED = ("summary.csv", "run.json", "baselines.json")


def build(run_dir: Path, out: Path | None = None, *, single: bool = False) -> Path:
    """Writes the pages of a run directory; the same records give the same bytes.

    Args:
        run_dir: a run directory, as `bridgebench benchmark` writes it; finished or not.
        out: where to write; default: the folder ``report`` in the run directory, or with `single` the file
            ``report.html`` there.
        single: write one HTML file that holds everything.

    Returns:
        The path of index.html, or of the one file.

    Raises:
        UserError: the run directory is missing or damaged, or `out` cannot be written.
    """
    out = run_dir / ("report.html" if single else "report") if out is None else out
    files = render(Run(run_dir))
    if single:
        write_bytes(out, single_file(files))
        return out
    for name, data in files.items():
        write_bytes(out / name, data, durable=False)
    return out / "index.html"


def render(run: Run) -> dict[str, bytes]:
    """All files of a run's folder of pages by their paths inside it."""
    env, layout, figures = environment(), Layout(run), Figures(run)
    grids = figures.grid_sets()
    downloads = {name: _copied(run.folder / name) for name in COPIED if (run.folder / name).is_file()}
    drill = Drill(run, layout, grids)
    matrices, boards = Matrices(run), Boards(run)
    pages = [
        front_page(run, grids, list(downloads)),
        *method_pages(run, layout, grids, matrices),
        *column_pages(run, layout, grids, matrices),
        provenance_page(run, layout, list(downloads)),
        *boards.pages,
        *drill.pages,
    ]
    common = {"nav": _navigation(run, layout, boards), "side": run.record.data.image_size, "script": script()}
    rendered = {page.path: _rendered(env, page, common) for page in pages}
    exported = exports.files(table for page in pages for table in page.tables)
    style = {"style.css": _source(env, "report.css")}
    return {
        **figures.files,
        **matrices.files,
        **boards.files,
        **drill.files,
        **downloads,
        **exported,
        **rendered,
        **style,
    }


def _copied(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}).") from error


def _navigation(run: Run, layout: Layout, boards: Boards) -> dict[str, Any]:
    """What leads from every page to every other: titles and paths."""
    return {
        "run": f"{run.record.profile_name}, protocol {run.record.protocol_hash[:12]}",
        "noun": run.noun,
        "sample": run.words.image,
        "methods": [(run.record.methods[name].title, layout.method(name)) for name in run.methods],
        "columns": [(run.spoken(column), layout.column(column)) for column in run.columns],
        "modes": list(MODE_TITLES.values()),
        "method_links": {name: layout.method(name) for name in run.methods},
        "figures": boards.pages[0].path if boards.pages else "",
        "provenance": layout.provenance,
    }


def _rendered(env: Environment, page: Page, common: dict[str, Any]) -> bytes:
    own = {"root": page.root, "path": page.path}
    return env.get_template(page.template).render({**common, **own, **page.context}).encode()


def _source(env: Environment, name: str) -> bytes:
    """A file of the templates folder as it is."""
    assert env.loader is not None
    return env.loader.get_source(env, name)[0].encode()
