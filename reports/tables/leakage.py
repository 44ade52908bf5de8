"""Leakage by attribute: what else changes when an attribute is flipped, as a map and as a table."""

from __future__ import annotations

from dataclasses import dataclass

from bridgebench.eval.measures.leakage import LEAKAGE, LEAKAGE_BY
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import DASH, SHADES, ColumnHead, Group, Row, Table, TableCell

_LEAST_TOP = 0.05  # else a map with almost no leakage would be shaded as if it had much


@dataclass(frozen=True)
class LeakageMap:
    """A map with one row per flipped attribute and one column per attribute read.

    Attributes:
        names: names of the rows, which are also the names of the columns.
        table: the numbers, shaded on a scale that all methods of the mode share.
        top: the end of the scale, as printed.
    """

    names: list[str]
    table: Table
    top: str


def leakage_map(results: Results, method: str, key: str) -> LeakageMap | None:
    """The map of one method in one mode; None if its cells have no leakage by attribute."""
    run = results.run
    if not any(_values(results, method, flipped) for flipped in run.columns):
        return None
    names = [name for name in results.rows if run.record.methods[name].kind == "method"] or [method]
    every = [
        value
        for name in {*names, method}
        for flipped in run.columns
        for value in _values(results, name, flipped).values()
    ]
    top = max([_LEAST_TOP, *(value for value in every if value is not None)])
    spoken = [run.spoken(column) for column in run.columns]
    rows = [
        Row(run.spoken(flipped), [_cell(run, results, method, flipped, read, top) for read in run.columns])
        for flipped in run.columns
    ]
    title = run.record.methods[method].title
    about = (
        "Mean change of the judge's probability of the attribute of the column when that of the row is flipped, over "
        "the images whose flip does not touch it."
    )
    facts = [f"protocol {results.hash[:12]}", f"{LEAKAGE.unit}, {LEAKAGE.direction}"]
    heading = f"Leakage by attribute: {title}, {MODE_TITLES[results.mode].lower()}"
    table = Table(
        key,
        heading,
        about,
        facts,
        [ColumnHead(name) for name in spoken],
        [Group("", rows)],
        kind="plain",
        corner="Flipped",
    )
    return LeakageMap(spoken, table, LEAKAGE.text(top))


def _values(results: Results, method: str, flipped: str) -> dict[str, float | None]:
    return dict(results.measure(method, flipped, LEAKAGE_BY.key).values)


def _cell(run: Run, results: Results, method: str, flipped: str, read: str, top: float) -> TableCell:
    value = _values(results, method, flipped).get(read)
    if value is None:
        reason = "flipped itself" if read == flipped else "no image whose flip leaves it alone"
        return TableCell(DASH, hint=f"{run.spoken(read)}: {reason}")
    text = LEAKAGE.text(value)
    hint = f"{run.spoken(flipped)} flipped: {run.spoken(read)} moves by {text} {LEAKAGE.unit}"
    return TableCell(text, hint=hint, shade=round(SHADES * value / top), numbers={"value": value * LEAKAGE.factor})
