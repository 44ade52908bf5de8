"""Whom a method serves how well: accuracy and identity by the sex and age of the people in the source images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.statistics import intervals
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.tables.blocks import Section, TableBlock
from bridgebench.reports.tables.tables import ColumnHead, Group, Notes, Row, Table, fitting, missing, print_cell

# A label of the source image, and what its values 1 and 0 are called.
_GROUPS = {"Male": ("men", "women"), "Young": ("young", "older")}
_KEYS = ("accuracy_second", "identity")
_LEAD = (
    "The same edits by who is in the source image, by the data's own labels. A flip of the label itself is left out. "
    "The groups hold different people, so their intervals are compared, not their pairs."
)


def subgroups_section(modes: Sequence[Results]) -> Section:
    """The section; without blocks where the data has no such labels or the records no outcomes."""
    blocks = []
    for results in modes:
        cards = {card.key: card for card in results.cards("accuracy", "rest")}
        tables = [_table(results, cards[key]) for key in _KEYS if key in cards]
        found = [table for table in tables if table is not None]
        if found:
            blocks.append(TableBlock(MODE_TITLES[results.mode], found))
    return Section("subgroups", "By sex and age", _LEAD, blocks)


def _table(results: Results, card: MeasureCard) -> Table | None:
    asked = [
        (label, value, words[1 - value])
        for label, words in _GROUPS.items()
        if label in results.run.record.attributes and results.own
        for value in (1, 0)
    ]
    values = {row: [_measured(results, card, row, label, value) for label, value, _ in asked] for row in results.rows}
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
    heads = [ColumnHead(words, _people(values, place)) for place, (_, _, words) in enumerate(asked)]
    title = f"{card.title} by group, {MODE_TITLES[results.mode].lower()}"
    facts = [f"protocol {results.hash[:12]}", ", ".join(part for part in (fitted.unit, card.direction) if part)]
    key = f"subgroups-{results.mode}-{card.key}"
    return Table(key, title, card.about, facts, heads, groups, notes.texts, "plain")


def _people(values: dict[str, list[Measured]], place: int) -> str:
    sizes = {row[place].n for row in values.values()} - {None}
    return f"N = {max(size or 0 for size in sizes):,}" if sizes else ""


def _measured(results: Results, card: MeasureCard, method: str, label: str, value: int) -> Measured:
    """The mean over the sources whose label has the value, each with the mean of its edits."""
    of_source: dict[int, list[float]] = {}
    place = results.run.record.attributes.index(label)
    for column in results.run.columns:
        outcomes = None if column == label else results.run.outcomes(method, results.mode, column)
        if outcomes is not None and card.key in outcomes.values:
            edits = outcomes.values[card.key]
            for p in np.flatnonzero((outcomes.source_labels[:, place] == value) & np.isfinite(edits)):
                of_source.setdefault(int(outcomes.source[p]), []).append(float(edits[p]))
    if not of_source:
        return missing("no edit of this group has a value in the outcomes")
    means = [sum(of) / len(of) for of in of_source.values()]
    low, high = (intervals.share if card.shares else intervals.mean)(means) or (None, None)
    return Measured(value=sum(means) / len(means), low=low, high=high, n=len(means))
