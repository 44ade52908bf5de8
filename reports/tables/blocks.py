"""The parts of a page of tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.tables.by_column import by_column
from bridgebench.reports.tables.tables import Table


@dataclass(frozen=True)
class TableBlock:
    """The tables of one mode: shown tables, folded tables, and the paper's own tables beside them."""

    title: str
    tables: list[Table]
    published: list[Table] = field(default_factory=list)
    folded: dict[str, Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    key: str
    title: str
    lead: str
    blocks: list[TableBlock]


def folded(results: Results, key: str, cards: list[MeasureCard]) -> dict[str, Table]:
    """The tables by attribute of all measures that have a value, keyed by the measure's title."""
    name = MODE_TITLES[results.mode].lower()
    return {
        card.title: by_column([results], card, f"{key}-{card.key}", f"{card.title}, {name}")
        for card in cards
        if results.has(card)
    }
