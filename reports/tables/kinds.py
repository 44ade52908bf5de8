"""Tables of the cells that are no single flips: several flips at once, flips that only add, and probes of a method."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.leakage import LEAKAGE
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import CellKind
from bridgebench.reports.read.results import MODE_TITLES, Results, unit_and_direction
from bridgebench.reports.tables.blocks import Section, TableBlock
from bridgebench.reports.tables.tables import (
    ColumnHead,
    Group,
    Notes,
    Row,
    Table,
    TableCell,
    count_text,
    fitting,
    mean,
    missing,
    print_cell,
)

_SEVERAL = ("accuracy_joint_second", "accuracy_each_second", "accuracy_joint", "leakage", "skill", "identity")
_ADDED = ("accuracy_second", "accuracy", "leakage", "skill")
_PROBES = (("round-trip", "Round trip"), ("null", "Null edit"))
_WAY = ("gap", "path", "monotone", "accuracy_worst_second")
_SEVERAL_LEAD = (
    "What the paper is about: several attributes at once. An edit is right if the judge reads all of them as asked. In "
    "sequence: one flip after the other, in two orders. Mouth and bangs together are the paper's Figure 12."
)
_ADDED_LEAD = (
    "The paper's test by reference only adds attributes, to sources that have none of the attribute's companions. It "
    "is a task of its own, easier than flips in both directions."
)
_PROBES_LEAD = (
    "Flipped and flipped back, and edited towards the labels that the image already has: the source should come back. "
    "The gap is between the edit by label and the edit by reference of one image; the way leads from one to the other."
)


def names_of(results: Results, *kinds: CellKind) -> list[str]:
    """The names of a run's cells of these kinds: in the order of the columns, or of the kinds and numbers of flips.

    The file of the run has them sorted by letter.
    """
    of, columns = results.run.record.kinds, results.run.columns
    places = {f"{column}-added": place for place, column in enumerate(columns)}

    def place(name: str) -> tuple[int, bool, int, str]:
        return kinds.index(of[name]), not name[0].isdigit(), places.get(name, 0), name

    return sorted((name for name, kind in of.items() if kind in kinds), key=place)


def other(results: Results, method: str, name: str, key: str) -> Measured:
    """What was measured in a cell that is no flip, or why nothing was."""
    cell = results.run.others.get((results.hash, method, results.mode, name))
    if cell is None:
        return missing("not run: the method has no such cell in this run")
    return cell.measures.get(key) or missing(cell.reason or "not measured in this run")


def spoken(name: str) -> str:
    """The name of a cell as a reader says it."""
    return name.replace("_", " ").replace("+", " + ").replace("-", " ").removesuffix(" added")


def kinds_sections(modes: Sequence[Results]) -> list[Section]:
    """The sections of the cells that are no single flips; those without any cell are left out."""
    made = [
        Section(
            "several", "Several attributes at once", _SEVERAL_LEAD, _blocks(modes, ("several", "sequence"), _SEVERAL)
        ),
        Section("added", "Attributes added by reference", _ADDED_LEAD, _blocks(modes, ("added",), _ADDED)),
        Section(
            "probes", "Round trip, null edit, and the gap between label and reference", _PROBES_LEAD, _probes(modes)
        ),
    ]
    return [section for section in made if section.blocks]


def _blocks(modes: Sequence[Results], kinds: tuple[CellKind, ...], keys: Sequence[str]) -> list[TableBlock]:
    blocks = []
    for results in modes:
        names = names_of(results, *kinds)
        tables = [
            _by_name(results, card, names, f"{kinds[0]}-{results.mode}-{card.key}", averaged=kinds == ("added",))
            for card in (*_cards(results, keys), *_own(results, *kinds))
            if any(other(results, row, name, card.key).value is not None for row in results.rows for name in names)
        ]
        if tables:
            first, *rest = tables
            # The strength curves stand above the tables of several flips.
            equal = _at_equal_leakage(results) if "several" in kinds else None
            shown = [*filter(None, [equal]), first]
            blocks.append(TableBlock(MODE_TITLES[results.mode], shown, folded={one.title: one for one in rest}))
    return blocks


def _cards(results: Results, keys: Sequence[str]) -> list[MeasureCard]:
    found = {card.key: results.card(card) for card in results.run.record.cards}
    return [found[key] for key in keys if key in found]


def _own(results: Results, *kinds: CellKind) -> list[MeasureCard]:
    """The measures of plug-ins that are for cells of these kinds."""
    found = _cards(results, [*results.run.record.measures])
    return [card for card in found if set(kinds) & set(card.kinds)]


def _by_name(results: Results, card: MeasureCard, names: Sequence[str], key: str, averaged: bool) -> Table:
    """Methods as rows, cells as columns; with the mean over the cells if `averaged`."""
    values = {row: [other(results, row, name, card.key) for name in names] for row in results.rows}
    every = [measure for row in values.values() for measure in row]
    card, notes = fitting(card, every), Notes()
    heads = [ColumnHead(spoken(name)) for name in names]
    used = [any(row[i].value is not None for row in values.values()) for i in range(len(names))]
    if averaged:
        heads.append(ColumnHead("Mean", f"of {sum(used)}"))
        values = {name: [*row, mean(row, used, "cell")] for name, row in values.items()}
    body = {name: [print_cell(card, measure, notes) for measure in row] for name, row in values.items()}
    facts = [*results.facts(every), ", ".join(part for part in (card.unit, card.direction) if part)]
    title = f"{card.title}, {MODE_TITLES[results.mode].lower()}"
    return Table(key, title, card.about, facts, heads, _groups(results, body), notes.texts, "plain")


def _at_equal_leakage(results: Results) -> Table | None:
    """Accuracy of the methods at one leakage, read off their strength curves; None with fewer than two curves."""
    curves = {
        row: points
        for name in names_of(results, "strength")
        for row in results.rows
        if (points := _curve(results, row, name))
    }
    ends = [points["1"][0] for row, points in curves.items() if row in results.rivals and "1" in points]
    if len(ends) < 2:
        return None
    least, notes = min(ends), Notes()
    values = {row: _read_off([*curves.get(row, {}).values()], least) for row in results.rows}
    card = fitting(SECOND, values.values())
    body = {row: [print_cell(card, measure, notes)] for row, measure in values.items()}
    moved = f"{LEAKAGE.text(least)} points"
    about = (
        "Accuracy by the second judge where each method leaks as much as the least leaking one does at its default "
        f"strength: {moved}. It lies on the straight line between two neighbouring strengths around this leakage; "
        "where a curve crosses it more than once, the best place counts. It has no interval, and nothing is tested."
    )
    title = f"At equal leakage, {MODE_TITLES[results.mode].lower()}"
    head = ColumnHead(f"{SECOND.title}, at {moved}", unit_and_direction(card))
    facts = [f"protocol {results.hash[:12]}", "interpolated"]
    groups = _groups(results, body)
    return Table(f"equal-leakage-{results.mode}", title, about, facts, [head], groups, notes.texts, "plain")


def _curve(results: Results, method: str, name: str) -> dict[str, tuple[float, float]]:
    """Leakage and accuracy by the share of the default strength, from weak to strong."""
    right, leaked = (other(results, method, name, card.key).values for card in (SECOND, LEAKAGE))
    both = {step: (leaked.get(step), right[step]) for step in sorted(right, key=float)}
    return {step: (x, y) for step, (x, y) in both.items() if x is not None and y is not None}


def _read_off(points: Sequence[tuple[float, float]], leakage: float) -> Measured:
    """The accuracy at a leakage, between neighbours that enclose it; the best one of several places."""
    if len(points) < 2:
        return missing("no curve: the method has no strength, or it was not measured at two strengths")
    found = []
    for (x, y), (next_x, next_y) in pairwise(points):
        if min(x, next_x) <= leakage <= max(x, next_x):
            share = (leakage - x) / (next_x - x) if next_x != x else float(next_y > y)
            found.append(y + share * (next_y - y))
    return Measured(value=max(found)) if found else missing("its curve does not reach this leakage")


def _probes(modes: Sequence[Results]) -> list[TableBlock]:
    blocks = []
    for results in modes:
        asked = [
            (title, name, card)
            for kind, title in _PROBES
            for name in names_of(results, kind)  # type: ignore[arg-type]
            for card in (*_cards(results, ("l1_source", "ssim_source")), *_own(results, kind))  # type: ignore[arg-type]
        ]
        way = [*_cards(results, _WAY), *(card for card in _own(results, "way") if card.of_way)]
        asked += [("Way", name, card) for name in names_of(results, "way") for card in way]
        rows: dict[str, list[TableCell]] = {name: [] for name in results.rows}
        heads: list[ColumnHead] = []
        every: list[Measured] = []
        notes = Notes()
        for title, name, card in asked:
            values = {row: other(results, row, name, card.key) for row in results.rows}
            if all(measure.value is None for measure in values.values()):
                continue
            fitted = fitting(card, values.values())
            heads.append(ColumnHead(f"{title}: {card.title}", unit_and_direction(fitted)))
            every += values.values()
            for row, measure in values.items():
                rows[row].append(print_cell(fitted, measure, notes))
        if heads:
            title = f"Round trip, null edit and gap, {MODE_TITLES[results.mode].lower()}"
            about = "Distances to the source, which should be 0 (SSIM: 1); and how the edits of both modes differ."
            facts = [count_text(every), f"protocol {results.hash[:12]}"]
            groups = _groups(results, rows)
            table = Table(f"probes-{results.mode}", title, about, facts, heads, groups, notes.texts, "plain")
            blocks.append(TableBlock(MODE_TITLES[results.mode], [table]))
    return blocks


def _groups(results: Results, body: dict[str, list[TableCell]]) -> list[Group]:
    groups = []
    for title, kind in (("", "method"), ("Controls", "control")):
        rows = [
            Row(results.run.called(name), body[name], link=results.layout.method(name)) for name in results.kind(kind)
        ]
        if rows:
            groups.append(Group(title, rows, apart=bool(title)))
    return groups
