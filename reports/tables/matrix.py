"""The paired differences of all pairs of methods, a matrix a measure: what is really better, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.tables.tables import DASH, ColumnHead, Group, Row, Table, TableCell

_MINUS = "\N{MINUS SIGN}"
_ABOUT = (
    "Mean of the row's method minus that of the column's, over the same images, with the 95 % interval of the paired "
    "differences. Bold: real, by a permutation test over the source images with p < 0.05 after Holm's correction for "
    "all pairs of this table. {better}."
)


def matrices(results: Results, cards: Sequence[MeasureCard], key: str) -> dict[str, Table]:
    """A matrix of each measure that was tested, by the measure's title."""
    made = {card.title: _matrix(results, card, f"{key}-{card.key}") for card in cards if card.better}
    return {title: table for title, table in made.items() if table is not None}


def _matrix(results: Results, card: MeasureCard, key: str) -> Table | None:
    compared, averages = results.compared(card), results.means(card)[0]
    rows = [name for name in [*results.rivals, *results.kind("control")] if averages[name].value is not None]
    columns = [name for name in results.rivals if name in rows]
    if compared is None or len(columns) < 2:
        return None

    def cell(one: str, other: str) -> TableCell:
        found = compared.between(one, other)
        if found is None:
            return TableCell(DASH, hint="the same method" if one == other else "not compared")
        numbers = {name: getattr(found.difference, name) * card.factor for name in ("value", "low", "high")} | {
            "p": found.difference.p,
            "n": found.difference.n,
        }
        value, low, high = (
            card.text(getattr(found.difference, name)).replace("-", _MINUS) for name in ("value", "low", "high")
        )
        sign = "+" if found.difference.value > 0 else ""
        hint = f"95 % interval {low} to {high}, p = {found.difference.p:.4f}, N = {found.difference.n:,}"
        return TableCell(
            f"{sign}{value}", f"{low} to {high}", hint, mark="real" if found.real else None, numbers=numbers
        )

    heads = [ColumnHead(results.run.called(name), link=results.layout.method(name)) for name in columns]
    groups = []
    for title, names in (("", columns), ("Controls", [name for name in rows if name not in columns])):
        body = [
            Row(results.run.called(one), [cell(one, other) for other in columns], link=results.layout.method(one))
            for one in names
        ]
        if body:
            groups.append(Group(title, body, apart=bool(title)))
    title = f"Paired differences: {card.title}, {MODE_TITLES[results.mode].lower()}"
    unit = f"in {'points' if card.unit == '%' else card.unit}" if card.unit else ""
    facts = [f"protocol {results.hash[:12]}", ", ".join(part for part in (unit, card.direction) if part)]
    return Table(key, title, _ABOUT.format(better=card.direction.capitalize()), facts, heads, groups, [], "plain")
