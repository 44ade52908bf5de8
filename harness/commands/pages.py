"""Draws the pages of a run only if they are not the ones that its records give."""

from __future__ import annotations

from pathlib import Path

from bridgebench.eval.records.seal import hash_of
from bridgebench.harness.benchmark.finished import NO_RESULTS
from bridgebench.harness.processes.messages import LOGGER, step
from bridgebench.harness.processes.unchanged import Note, state_of, state_of_code, state_of_files


def pages_of(run: Path) -> Path:
    """The first page of a run, in its folder ``report``; drawn anew if the records, the code or the pages changed.

    Raises:
        UserError: as by :func:`reports.site.build`.
    """
    note, report = Note("pages", run), run / "report"
    inputs = hash_of([state_of(run, NO_RESULTS), state_of_code()])
    if note.fits(inputs, state_of(report)):
        LOGGER.debug("The pages of %s are up to date.", run)
        return report / "index.html"
    from bridgebench.reports.site import build

    with step(LOGGER, f"Drew the pages of {run}"):
        page = build(run)
    note.keep(inputs, state_of(report))
    return page


def gallery_of(folder: Path) -> Path | None:
    """The page that leads to the pages of all runs in a folder; None if there are fewer than two.

    Raises:
        UserError: as by :func:`reports.pages.gallery.build_gallery`.
    """
    note, page = Note("gallery", folder), folder / "index.html"
    shown = [*folder.glob("*/report/index.html"), *folder.glob("*/run.json")]
    inputs = hash_of([state_of_files(shown), state_of_code()])
    if note.fits(inputs, state_of_files([page])):
        return page
    from bridgebench.reports.pages.gallery import build_gallery

    found = build_gallery(folder)
    if found is not None:
        note.keep(inputs, state_of_files([page]))
    return found
