"""A page with links to the pages of several runs, and with what one data set tells about another."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bridgebench.eval.records.marks import is_our_page
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.pages.front import headline
from bridgebench.reports.pages.html import standalone
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.transfer import transfer_sections


@dataclass(frozen=True)
class LinkedRun:
    """A run: what it is, where its first page lies, and a picture of it, relative to the gallery."""

    headline: dict[str, str]
    link: str
    picture: str


def build_gallery(folder: Path) -> Path | None:
    """Writes ``index.html`` into a folder of run directories, with a link to the pages of each.

    Returns:
        Its path; None if fewer than two runs in the folder have pages.

    Raises:
        UserError: a run is damaged, another page is there, or the page cannot be written.
    """
    found = folder.glob("*/report/index.html")
    pages = sorted((page for page in found if (page.parents[1] / "run.json").is_file()), key=str)
    runs = [Run(page.parents[1]) for page in pages]
    if len(runs) < 2:
        return None
    page = folder / "index.html"
    if os.path.lexists(page) and not is_our_page(page):
        raise UserError(f"{page} is not a page of bridgebench; move it, and the page of all runs is written there.")
    linked = [_linked(run, one, folder) for run, one in zip(runs, pages, strict=True)]
    write_bytes(page, standalone("gallery.html.j2", runs=linked, transfers=transfer_sections(runs)))
    return page


def _linked(run: Run, page: Path, folder: Path) -> LinkedRun:
    pictures = [page.parent / "grids" / f"{mode}.png" for mode in ("label", "reference")]
    picture = next((one.relative_to(folder).as_posix() for one in pictures if one.is_file()), "")
    return LinkedRun(headline(run), page.relative_to(folder).as_posix(), picture)
