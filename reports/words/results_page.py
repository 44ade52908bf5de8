"""The parts of docs/results.md that are made from records: the comparison, and what parts and seeds do to a method."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

from bridgebench.eval.measures import shown
from bridgebench.eval.records.record import MODES
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.exports import to_markdown
from bridgebench.reports.tables.tables import Table
from bridgebench.reports.tables.variants import variants_section
from bridgebench.reports.words.story import TITLE, story, variant_words

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
COMPARISON, PARTS, READ_ON = f"## {TITLE}\n", "## What its parts and its seed do to a method\n", "## Read on\n"
_WIDTH = 120
_MEASURES = 3  # of a table: those that lead it; its page has them all


def with_comparison(page: str, run: Run) -> str:
    """The page with what a run of several methods shows and does not show; all else stays as it is.

    Args:
        page: its text.
        run: the comparison, published as ``reports/published/<profile>.html``.

    Raises:
        ValueError: the page has no such part, or the run has nothing to tell.
    """
    found = story(run)
    if found is None:
        raise ValueError("a run of fewer than two methods has nothing to tell")
    page_name = f"reports/published/{run.record.profile_name}.html"
    lead = _wrapped(f"Made from the records of `{page_name}`, {_images(run)}; each page has its own.")
    shows, lacks = map(_line, found.shows), map(_line, found.lacks)
    said = [lead, "\nIt shows:\n", *shows, "\nIt does not show:\n", *lacks]
    return _replaced(page, COMPARISON, PARTS, said)


def with_parts(page: str, run: Run) -> str:
    """The page with what a run of variants tells of parts and seeds, in words and in tables; all else stays as it is.

    Args:
        page: its text.
        run: the run of variants, whose records are in the archive of its profile's name.

    Raises:
        ValueError: the page has no such part, or the run has no variants.
    """
    section, name = variants_section(run), run.record.profile_name
    if section is None:
        raise ValueError("a run without variants has nothing to tell of parts and seeds")
    lead = (
        f"Made from the records of the profile `{name}`, {_images(run)} (protocol {run.record.protocol_hash[:12]}). "
        f"Records, page and weights are no part of the repository: `bridgebench weights fetch {name}` fetches them."
    )
    modes = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    words = [*_redefined(modes[0]), *variant_words(modes)]
    tables = [f"\n{to_markdown(_begun(table)).strip()}" for table in section.tables]
    return _replaced(page, PARTS, READ_ON, [_wrapped(lead), "", *map(_line, words), *tables])


def _replaced(page: str, begin: str, end: str, lines: list[str]) -> str:
    """The page with other lines between two headings."""
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return before + "\n".join([begin, *lines, "", end]) + after


def _redefined(results: Results) -> list[str]:
    """For each measure of the tables whose definition has changed since the run: that it compares with no newer run."""
    had = results.run.record.protocol["measures"]
    return [
        f"{card.title} here is of an earlier definition (version {had.get(card.family.name)} of the measures "
        f"'{card.family.name}', now {card.family.version}): compare it within these tables only."
        for card in shown("variants", among=results.run.record.cards)[:_MEASURES]
        if had.get(card.family.name) != card.family.version
    ]


def _begun(table: Table) -> Table:
    """A table with its first columns alone: each measure has two."""
    groups = [
        replace(group, rows=[replace(row, cells=row.cells[: 2 * _MEASURES]) for row in group.rows])
        for group in table.groups
    ]
    return replace(table, heads=table.heads[: 2 * _MEASURES], groups=groups)


def _images(run: Run) -> str:
    return f"{run.record.data.name} of {run.record.data.image_size} px"


def _line(sentence: str) -> str:
    return _wrapped(f"- {sentence}", "  ")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
