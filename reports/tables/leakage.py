"""Leakage by attribute: what else changes when an attribute is flipped, and whether that goes with it in the data.

A method that has learnt from labels which of them go together may move them together. Therefore leakage is held against
the labels' correlations, which run.json has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean

from scipy.stats import spearmanr

from bridgebench.eval.measures.leakage import LEAKAGE, LEAKAGE_BY
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import DASH, SHADES, ColumnHead, Group, Row, Table, TableCell, printed_number

_RHO = "\N{GREEK SMALL LETTER RHO}"
TOGETHER = 0.3  # labels with at least this correlation, of either sign, go together
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
    title = run.called(method)
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


def against_correlations(results: Results, key: str) -> Table | None:
    """How much methods leak between labels that go together, and between others; None if the records lack either."""
    run = results.run
    pairs = {
        (flipped, read): abs(value)
        for flipped, row in zip(run.columns, run.record.correlations, strict=False)
        for read, value in zip(run.columns, row, strict=False)
        if value is not None and flipped != read
    }
    leaked = {
        name: {
            (flipped, read): value
            for flipped in run.columns
            for read, value in _values(results, name, flipped).items()
            if value is not None and (flipped, read) in pairs
        }
        for name in results.rows
    }
    if not any(0 < sum(pairs[pair] >= TOGETHER for pair in of) < len(of) for of in leaked.values()):
        return None
    body = {name: _row(of, pairs) for name, of in leaked.items()}
    groups = []
    for title, kind in (("", "method"), ("Controls", "control")):
        rows = [Row(run.called(name), body[name], link=results.layout.method(name)) for name in results.kind(kind)]
        groups += [Group(title, rows, apart=bool(title))] if rows else []
    count = sum(r >= TOGETHER for r in pairs.values())
    heads = [
        ColumnHead("Labels that go together", f"{LEAKAGE.unit}, {count} pairs"),
        ColumnHead("Other labels", f"{LEAKAGE.unit}, {len(pairs) - count} pairs"),
        ColumnHead(f"Spearman's {_RHO}", "of leakage and correlation"),
    ]
    about = (
        f"Mean leakage of a flip on another attribute: over the pairs whose labels are correlated by {TOGETHER:g} or "
        "more, of either sign, and over all others; and whether leakage grows with the correlation. A method whose "
        f"{_RHO} is near 0 does not move what merely goes together in the data. True edits show what the judge adds."
    )
    title = f"Leakage against the correlations of the labels, {MODE_TITLES[results.mode].lower()}"
    every = [results.measure(name, column, LEAKAGE.key) for name in leaked for column in run.columns]
    return Table(key, title, about, results.facts(every), heads, groups, kind="plain")


def _row(leaked: Mapping[tuple[str, str], float], pairs: Mapping[tuple[str, str], float]) -> list[TableCell]:
    """The cells of one method: two means and the rank correlation."""
    found = []
    for inside in (True, False):
        values = [value for pair, value in leaked.items() if (pairs[pair] >= TOGETHER) == inside]
        found.append(
            TableCell(LEAKAGE.text(mean(values)), numbers={"value": mean(values) * LEAKAGE.factor})
            if values
            else TableCell(DASH, hint="no such pair was measured")
        )
    if len({*leaked.values()}) > 1 and len({pairs[pair] for pair in leaked}) > 1:
        rho = float(spearmanr([pairs[pair] for pair in leaked], [*leaked.values()]).statistic)
        found.append(TableCell(printed_number(f"{rho:.2f}"), numbers={"value": rho}))
    else:
        found.append(TableCell(DASH, hint="all pairs leak alike"))
    return found


def _values(results: Results, method: str, flipped: str) -> dict[str, float | None]:
    return dict(results.measure(method, flipped, LEAKAGE_BY.key).values)


def _cell(run: Run, results: Results, method: str, flipped: str, read: str, top: float) -> TableCell:
    value = _values(results, method, flipped).get(read)
    if value is None:
        reason = "flipped itself" if read == flipped else "no image whose flip leaves it alone"
        return TableCell(DASH, hint=f"{run.spoken(read)}: {reason}")
    text = LEAKAGE.text(value)
    hint = f"{run.spoken(flipped)} flipped: {run.spoken(read)} moves by {text} {LEAKAGE.unit}"
    if run.record.correlations:
        correlation = run.record.correlations[run.columns.index(flipped)][run.columns.index(read)]
        hint += (
            "" if correlation is None else f"; their labels are correlated by {printed_number(f'{correlation:.2f}')}"
        )
    return TableCell(text, hint=hint, shade=round(SHADES * value / top), numbers={"value": value * LEAKAGE.factor})
