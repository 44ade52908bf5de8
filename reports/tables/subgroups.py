"""Whom a method serves how well: accuracy and identity by the sex, age and skin of the people in the source images."""

from __future__ import annotations

from collections.abc import Sequence

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.statistics.subgroups import SKINS, subgroups
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.tables.blocks import Section, TableBlock
from bridgebench.reports.tables.tables import ColumnHead, Group, Notes, Row, Table, fitting, missing, print_cell

# The label whose flips are no edits of its own groups, by the sort of groups.
_OWN = {"sex": "Male", "age": "Young", "skin": ""}
_KEYS = ("accuracy_second", "identity")
_LEAD = (
    "The same edits by who is in the source image: by the data's own labels{}. A flip of the label itself is left out. "
    "The groups hold different people, so their intervals are compared, not their pairs."
)


def subgroups_section(modes: Sequence[Results]) -> Section:
    """The section; without blocks where the data has no such labels or the records no outcomes."""
    blocks = []
    for results in modes:
        cards = {card.key: card for card in results.cards("accuracy", "rest")}
        tables = [_table(results, cards[key]) for key in _KEYS if key in cards] if results.own else []
        found = [table for table in tables if table is not None]
        if found:
            blocks.append(TableBlock(MODE_TITLES[results.mode], found))
    by_skin = any(head.title in SKINS for block in blocks for table in block.tables for head in table.heads)
    title = "By sex, age and skin" if by_skin else "By sex and age"
    return Section("subgroups", title, _LEAD.format(", and by the skin of the drawn faces" if by_skin else ""), blocks)


def _table(results: Results, card: MeasureCard) -> Table | None:
    found = {row: _measured(results, card, row) for row in results.rows}
    asked = list(dict.fromkeys(name for of in found.values() for name in of))
    nothing = missing("no edit of this group has a value in the outcomes")
    values = {row: [of.get(name, nothing) for name in asked] for row, of in found.items()}
    every = [measure for row in values.values() for measure in row]
    if all(measure.value is None for measure in every):
        return None
    fitted, notes = fitting(card, every), Notes()
    groups = []
    for title, kind in (("", "method"), ("Controls", "control")):
        rows = [
            Row(
                results.run.called(name),
                [print_cell(fitted, measure, notes) for measure in values[name]],
                link=results.layout.method(name),
            )
            for name in results.kind(kind)
        ]
        if rows:
            groups.append(Group(title, rows, apart=bool(title)))
    heads = [ColumnHead(name, _people(values, place)) for place, name in enumerate(asked)]
    title = f"{card.title} by group, {MODE_TITLES[results.mode].lower()}"
    facts = [f"protocol {results.hash[:12]}", ", ".join(part for part in (fitted.unit, card.direction) if part)]
    key = f"subgroups-{results.mode}-{card.key}"
    return Table(key, title, card.about, facts, heads, groups, notes.texts, "plain")


def _people(values: dict[str, list[Measured]], place: int) -> str:
    sizes = {row[place].n for row in values.values()} - {None}
    return f"N = {max(size or 0 for size in sizes):,}" if sizes else ""


def _measured(results: Results, card: MeasureCard, method: str) -> dict[str, Measured]:
    """The measure by group: the mean over its sources, each with the mean of its edits."""
    run, found = results.run, {}
    for sort, own in _OWN.items():
        cells = [run.outcomes(method, results.mode, column) for column in run.columns if column != own]
        known = [cell for cell in cells if cell is not None]
        for group in subgroups(known, run.record.attributes, card.key, card.shares):
            if group.sort == sort and group.n:
                found[group.name] = Measured(value=group.value, low=group.low, high=group.high, n=group.n)
    return found
