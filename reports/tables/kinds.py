"""Tables of the cells that are no single flips: several flips at once, flips that only add, and probes of a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.identity import IDENTITY
from bridgebench.eval.measures.leakage import LEAKAGE
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import CellKind
from bridgebench.reports.read.comparisons import Comparisons, paired_tests
from bridgebench.reports.read.results import MODE_TITLES, Results, over_all, unit_and_direction
from bridgebench.reports.tables.blocks import Section, TableBlock
from bridgebench.reports.tables.tables import (
    ColumnHead,
    Group,
    Mark,
    Notes,
    Row,
    Table,
    TableCell,
    count_text,
    fitting,
    marks,
    missing,
    print_cell,
)

FIGURE_12 = "Mouth_Slightly_Open+Bangs"  # the cell of the paper's pair
_FIGURE_12 = ("accuracy_joint_second", "accuracy_each_second", "leakage", "skill")
_SEVERAL = (
    *("accuracy_joint_second", "accuracy_each_second", "accuracy_joint", "leakage", "skill", "skill_l1", "identity"),
    *("fd_matched", "kid_matched"),
)
_ADDED = ("accuracy_second", "accuracy", "leakage", "skill", "fd_matched", "kid_matched")
_PROBES = (("round-trip", "Round trip"), ("null", "Null edit"))
_WAY = ("gap", "path", "monotone", "accuracy_worst_second")
_SEVERAL_LEAD = (
    "What the paper is about: several attributes at once. An edit is right if the judge reads all of them as asked. In "
    "sequence: one flip after the other, in two orders. Mouth and bangs together are the paper's Figure 12."
)
_ADDED_LEAD = (
    "The paper's test by reference only adds attributes: sources lack the attribute, references have it. It is a task "
    "of its own, easier than flips in both directions."
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
    without = "not measured in this run"
    if cell.kind == "way" and len(cell.measures[SECOND.key].values if SECOND.key in cell.measures else ()) == 2:
        without = "the method cannot mix label and reference: only the two ends of the way were measured"
    return cell.measures.get(key) or missing(cell.reason or without)


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
            equal = [_at_equal(results, held) for held in (LEAKAGE, IDENTITY) if "several" in kinds]
            shown = [*filter(None, equal), first]
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
    tests = paired_tests(results.run, results.mode)
    of_names = tests.of_columns(card, names)
    best = [
        _marks(results, card, {row: values[row][i] for row in values}, of_names.get(n)) for i, n in enumerate(names)
    ]
    if averaged:
        heads.append(over_all(card, sum(used)))
        averages = {name: results.mean(card, name, names, row, used, "cell") for name, row in values.items()}
        values = {name: [*row, averages[name]] for name, row in values.items()}
        counted = [name for name, use in zip(names, used, strict=True) if use]
        best.append(_marks(results, card, averages, tests.of_means(card, counted)))
    body = {
        name: [
            print_cell(card, measure, notes, mark=marked.get(name)) for measure, marked in zip(row, best, strict=True)
        ]
        for name, row in values.items()
    }
    facts = [*results.facts(every), ", ".join(part for part in (card.unit, card.direction) if part)]
    title = f"{card.title}, {MODE_TITLES[results.mode].lower()}"
    groups = _groups(results, body)
    kind: Literal["distance", "interval"] = "distance" if card.distance else "interval"
    return Table(key, title, card.about, facts, heads, groups, notes.texts, kind)


def _marks(
    results: Results, card: MeasureCard, column: Mapping[str, Measured], compared: Comparisons | None
) -> Mapping[str, Mark]:
    """The marks of the methods that are compared with each other."""
    return marks(card, {name: column[name] for name in results.rivals}, compared)


def figure_12(modes: Sequence[Results]) -> Table | None:
    """The numbers beside the picture of the paper's Figure 12: its two attributes, flipped at once in both modes."""
    heads: list[ColumnHead] = []
    notes = Notes()
    rows: dict[str, list[TableCell]] = {}
    every: list[Measured] = []
    order = list(dict.fromkeys(name for results in modes for name in results.rows))
    for results in modes:
        for card in _cards(results, _FIGURE_12):
            values = {row: other(results, row, FIGURE_12, card.key) for row in order}
            if all(measure.value is None for measure in values.values()):
                continue
            every += values.values()
            fitted = fitting(card, values.values())
            mode = MODE_TITLES[results.mode].removeprefix("Edits ")
            heads.append(ColumnHead(f"{card.title}, {mode}", unit_and_direction(fitted)))
            for row, measure in values.items():
                rows.setdefault(row, []).append(print_cell(fitted, measure, notes))
    if not heads:
        return None
    run = modes[0].run
    about = (
        "Mouth and bangs flipped together. An edit is right if the second judge reads both as asked for; of each: the "
        "share of the two that it reads so."
    )
    groups = []
    for title, kind in (("", "method"), ("Controls", "control")):
        body = [
            Row(run.called(name), rows[name], link=modes[0].layout.method(name))
            for name in order
            if run.record.methods[name].kind == kind
        ]
        groups += [Group(title, body, apart=bool(title))] if body else []
    facts = [count_text(every), f"protocol {modes[0].hash[:12]}"]
    return Table("figure-12", "Figure 12 in numbers", about, facts, heads, groups, notes.texts, "plain")


def _at_equal(results: Results, held: MeasureCard) -> Table | None:
    """Accuracy of the methods at one leakage or identity, read off their strength curves; None without two curves."""
    curves = {
        row: points
        for name in names_of(results, "strength")
        for row in results.rows
        if (points := _curve(results, row, name, held))
    }
    ends = [points["1"][0] for row, points in curves.items() if row in results.rivals and "1" in points]
    if len(ends) < 2:
        return None
    best, notes = (min if held.better == "lower" else max)(ends), Notes()
    values = {row: _read_off([*curves.get(row, {}).values()], best, held) for row in results.rows}
    card = fitting(SECOND, values.values())
    body = {row: [print_cell(card, measure, notes)] for row, measure in values.items()}
    level = f"{held.text(best)}{' points' if held.unit else ''}"
    does = "leaks as much as the least leaking" if held.better == "lower" else "keeps as much as the most faithful"
    about = (
        f"Accuracy by the second judge where each method {does} one at its default strength: {held.spoken} {level}. "
        f"It lies on the straight line between two neighbouring strengths around this {held.spoken}; where a curve "
        "crosses it more than once, the best place counts. It has no interval, and nothing is tested."
    )
    title = f"At equal {held.spoken}, {MODE_TITLES[results.mode].lower()}"
    head = ColumnHead(f"{SECOND.title}, at {level}", unit_and_direction(card))
    facts = [f"protocol {results.hash[:12]}", "interpolated"]
    groups = _groups(results, body)
    key = f"equal-{held.key}-{results.mode}"
    return Table(key, title, about, facts, [head], groups, notes.texts, "plain")


def _curve(results: Results, method: str, name: str, held: MeasureCard) -> dict[str, tuple[float, float]]:
    """Leakage (or identity) and accuracy by the share of the default strength, from weak to strong."""
    right, kept = (other(results, method, name, card.key).values for card in (SECOND, held))
    both = {step: (kept.get(step), right[step]) for step in sorted(right, key=float)}
    return {step: (x, y) for step, (x, y) in both.items() if x is not None and y is not None}


def _read_off(points: Sequence[tuple[float, float]], level: float, held: MeasureCard) -> Measured:
    """The accuracy at a leakage or identity, between neighbours that enclose it; the best one of several places."""
    if len(points) < 2:
        return missing("no curve: the method has no strength, or it was not measured at two strengths")
    found = []
    for (x, y), (next_x, next_y) in pairwise(points):
        if min(x, next_x) <= level <= max(x, next_x):
            share = (level - x) / (next_x - x) if next_x != x else float(next_y > y)
            found.append(y + share * (next_y - y))
    return Measured(value=max(found)) if found else missing(f"its curve does not reach this {held.spoken}")


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
