"""Tables with methods as rows and attributes (or conversions) as columns: the form of the paper's Tables 1 to 3."""

from __future__ import annotations

from collections.abc import Sequence

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.results import MODE_TITLES, Column, Results, over_all
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import (
    ColumnHead,
    Group,
    Notes,
    Row,
    Table,
    TableCell,
    fitting,
    mean,
    missing,
    print_cell,
    span_of,
)


def by_column(found: Sequence[Results], card: MeasureCard, key: str, title: str, real: Sequence[str] = ()) -> Table:
    """Methods as rows, attributes (or conversions) as columns, the mean last; one block of rows per mode.

    `real` names the rows of real images that follow the rows of the run's own protocol: ``"floor"``, ``"null"``.
    """
    run, layout = found[0].run, found[0].layout
    values = [results.across(card) for results in found]
    every = [measure for one in values for row in one.values() for measure in row]
    card = fitting(card, every)
    methods = [results.kind("method") for results in found]
    spread = span_of(
        card, [measure for one, names in zip(values, methods, strict=True) for name in names for measure in one[name]]
    )
    notes = Notes()
    blocks: list[list[Group]] = []
    for results, rows in zip(found, values, strict=True):
        tests = results.compared_in(card)
        columns = [
            Column(
                card,
                _column_head(layout, name),
                {row: rows[row][i] for row in results.rows},
                tests.get(name),
                spread,
                name,
            )
            for i, name in enumerate(run.columns)
        ]
        averages, used = results.means(card)
        columns.append(Column(card, over_all(card, sum(used)), averages, results.compared(card), spread))
        blocks.append(results.groups(columns, notes))
    groups = blocks[0] if len(blocks) == 1 else _titled(found, blocks)
    if real and found[0].own:
        groups.append(_baselines(run, card, notes, real, used))
    heads = [*(_column_head(layout, name) for name in run.columns), columns[-1].head]
    facts = [*found[0].facts(every), ", ".join(part for part in (card.unit, card.direction) if part)]
    return Table(key, title, card.about, facts, heads, groups, notes.texts, "distance" if card.distance else "interval")


def _column_head(layout: Layout, column: str) -> ColumnHead:
    return ColumnHead(layout.run.spoken(column), link=layout.column(column))


def _titled(found: Sequence[Results], blocks: list[list[Group]]) -> list[Group]:
    """The groups of several modes in one table: methods of each mode, then controls of each mode."""
    names = [MODE_TITLES[results.mode] for results in found]
    methods = [Group(name, block[0].rows) for name, block in zip(names, blocks, strict=True)]
    controls = [
        Group(f"Controls, {name.lower()}", group.rows, apart=True)
        for name, block in zip(names, blocks, strict=True)
        for group in block[1:]
    ]
    return [group for group in [*methods, *controls] if group.rows]


def _baselines(run: Run, card: MeasureCard, notes: Notes, rows_of: Sequence[str], used: Sequence[bool]) -> Group:
    """Rows of distances between real images: the floor, and that of a null edit; means are over `used` columns."""
    floor = run.baselines.floor
    rows = []
    if floor is not None and "floor" in rows_of:
        known = floor.value is not None
        text = f"{card.text(floor.value or 0.0)} whatever the {run.noun}, at N = {floor.n or 0:,}" if known else ""
        cells = [TableCell(text, span=len(run.columns)), print_cell(card, floor, notes)]
        rows.append(Row("Floor", cells, "Real half against real half: what equal distributions give at this N."))
    if run.baselines.null and "null" in rows_of:
        null = [run.baselines.null.get(column) or missing("not measured in this run") for column in run.columns]
        average = mean(null, used, run.noun)
        cells = [print_cell(card, measure, notes) for measure in [*null, average]]
        rows.append(Row("Null edit", cells, run.words.null))
    return Group("Real against real", rows, apart=True)
