"""A page for each attribute or conversion: the methods side by side, in numbers and in pictures."""

from __future__ import annotations

from dataclasses import dataclass

from bridgebench.eval.measures import SUCCESS
from bridgebench.eval.records.record import MODES
from bridgebench.reports.figures.comparison import GridRow, GridSet
from bridgebench.reports.figures.conversions import ConversionGrids
from bridgebench.reports.pages.html import Page
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.paper.published import paper_column, rows
from bridgebench.reports.paper.verdicts import differences, measures_held, verdict_cell
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import Table, TableCell


@dataclass(frozen=True)
class TileRow:
    """A row of tiles of one attribute: a tile of each face, cut out of the faces' own rows."""

    title: str
    group: str
    method: str
    tiles: list[GridRow]


@dataclass(frozen=True)
class TileSet:
    """The tiles of one attribute in one mode: the sources along the top, a row for each method.

    Attributes:
        place: which tile of the faces' rows is this attribute's, from 0.
        columns: how many tiles those rows have.
        sources: pictures of the sources, where all attributes have the same ones (`shared`); else they are a row.
    """

    title: str
    place: int
    columns: int
    sources: list[str]
    shared: bool
    rows: list[TileRow]


def column_pages(run: Run, layout: Layout, grids: list[GridSet], conversions: ConversionGrids) -> list[Page]:
    """The pages in the run's order."""
    return [_page(run, layout, grids, conversions, number) for number in range(len(run.columns))]


def _page(run: Run, layout: Layout, grids: list[GridSet], conversions: ConversionGrids, number: int) -> Page:
    column = run.columns[number]
    slug = layout.column_slug(column)
    blocks: list[tuple[str, list[Table]]] = []
    for mode in MODES:
        results = Results(run, run.record.protocol_hash, mode)
        if not results.rows:
            continue
        name, key = MODE_TITLES[mode], f"{run.noun}-{slug}-{mode}"
        where = f"{run.spoken(column)}, {name.lower()}"
        about = f"Of this {run.noun} alone; the first page has the mean over all."
        parts = (
            ("edit", "Accuracy and distance", results.cards(*SUCCESS)),
            ("rest", "What else changed", results.cards("rest")),
        )
        tables = [
            results.by_measure(cards, f"{key}-{part}", f"{title}: {where}", about, column)
            for part, title, cards in parts
        ]
        paper = _paper(results, column, f"{key}-paper", f"As published: {where}")
        shown = [table for table in (*tables, paper) if table is not None and table.heads]
        if shown:
            blocks.append((name, shown))
    neighbours = [run.columns[i] if 0 <= i < len(run.columns) else None for i in (number - 1, number + 1)]
    context = {
        "title": run.spoken(column),
        "lead": run.words.lead,
        "blocks": blocks,
        "boards": {MODE_TITLES[mode]: conversions.of(mode, conversion=column) for mode in MODES},
        "sets": {found.title: _tiles(found, number) for found in grids},
        "before": neighbours[0] and (run.spoken(neighbours[0]), layout.column(neighbours[0])),
        "after": neighbours[1] and (run.spoken(neighbours[1]), layout.column(neighbours[1])),
    }
    return Page(layout.column(column), "column.html.j2", context, [table for _, tables in blocks for table in tables])


def _paper(results: Results, column: str, key: str, title: str) -> Table | None:
    """What the paper printed of a column; with verdicts where our numbers compare with it."""
    run, cards = results.run, measures_held(results)

    def beside(method: str, file: str) -> TableCell | None:
        return verdict_cell(results, method, file, cards[file], column)

    reasons = [reason for file in cards if column in rows(file)[0] for reason in differences(run, file, results)]
    compares = f"not comparable with ours: {', '.join(dict.fromkeys(reasons))}."
    about = f"As printed in the paper; {compares if reasons else 'the small print says how ours stands to it.'}"
    return paper_column(column, results.mode, key, title, about, beside)


def _tiles(grids: GridSet, place: int) -> TileSet:
    rows = [
        TileRow(row.title, row.group, row.method, [grid.rows[i] for grid in grids.grids])
        for i, row in enumerate(grids.grids[0].rows)
    ]
    shown = [row for row in rows if any(tile.present[place] for tile in row.tiles)]
    sources = [grid.source for grid in grids.grids]
    return TileSet(grids.title, place, len(grids.columns), sources, grids.shared, shown)
