"""Results of a run's variants: the spread over training seeds, and ablations (parts of a method left out)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.read.comparisons import Compared
from bridgebench.reports.read.results import MODE_TITLES, Results, over, unit_and_direction
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import (
    DASH,
    ColumnHead,
    Group,
    Notes,
    Row,
    Table,
    TableCell,
    fitting,
    missing,
    print_cell,
)

_MINUS = "\N{MINUS SIGN}"
_LEAD = (
    "Rows of the tables above that are one method trained several times: with other seeds, which shows how much of a "
    "difference is luck, and without some of its parts, which shows what they are for."
)
_SEEDS = (
    "Mean and standard deviation (SD) over trainings that differ in their seed alone. Two methods whose means differ "
    "by less than such a deviation cannot be told apart by one training of each."
)
_ABLATIONS = (
    "The full method, then each variant with its difference to it, all trained on as many images by the same seed. The "
    "interval of a difference is of paired differences over the same test images; what another training seed would "
    "change is not in it: where the method was trained with other seeds, they stand below, and a variant whose "
    "difference is no larger than theirs has shown nothing."
)
_LUCK = "Nothing left out, another seed"


@dataclass(frozen=True)
class VariantsSection:
    """The content of the section."""

    lead: str
    tables: list[Table]


def variants_section(run: Run) -> VariantsSection | None:
    """The section; None if no method of the run has variants in the run."""
    results = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    made = [make(found) for make in (_spread, _ablations) for found in results]
    tables = [table for table in made if table is not None]
    return VariantsSection(_LEAD, tables) if tables else None


def seeds_of(run: Run, mode: Mode) -> dict[str, list[str]]:
    """By method, its two or more trainings that differ only in the seed and were measured in a mode; itself first."""
    found: dict[str, dict[object, str]] = {}
    for name in run.methods:
        alike = [name, *(other for other, changes in _variants(run, name) if not changes)]
        measured = [other for other in alike if _has(run, other, mode)]
        found[name] = {_seed(run, other): other for other in reversed(measured)}  # of two with the same seed, the first
    return {name: [*reversed(names.values())] for name, names in found.items() if len(names) > 1}


def ablations_of(run: Run, mode: Mode) -> dict[str, list[str]]:
    """For each method measured in a mode, its variants with another recipe that were measured in this mode."""
    found = {name: [other for other, changes in _variants(run, name) if changes] for name in run.methods}
    measured = {name: [other for other in names if _has(run, other, mode)] for name, names in found.items()}
    return {name: names for name, names in measured.items() if names and _has(run, name, mode)}


def difference(full: Measured, variant: Measured, compared: Compared | None) -> Measured:
    """The variant's value minus the full method's; with the interval of the paired differences, if there is one."""
    if full.value is None or variant.value is None:
        return missing(variant.reason or full.reason or "not measured")
    if compared is None:
        return Measured(value=variant.value - full.value, n=variant.n)
    paired = compared.difference
    return Measured(value=variant.value - full.value, low=paired.low, high=paired.high, n=variant.n)


def _variants(run: Run, method: str) -> list[tuple[str, Mapping[str, object]]]:
    of = run.record.methods
    return [(name, of[name].changes) for name in run.methods if of[name].variant_of == method]


def _seed(run: Run, name: str) -> object:
    """The seed of a training: a variant's own seed, else the seed in the card of the weights."""
    method = run.record.methods[name]
    card = (method.weights.card if method.weights else None) or {}
    return card.get("seed", 0) if method.seed is None else method.seed


def _has(run: Run, name: str, mode: Mode) -> bool:
    return any(key[:3] == (run.record.protocol_hash, name, mode) for key in run.cells)


def _cards(results: Results) -> list[MeasureCard]:
    return [card for card in results.cards("variants") if results.has(card)]


def _spread(results: Results) -> Table | None:
    """Methods as rows; for each measure, its mean and deviation over seeds."""
    groups = seeds_of(results.run, results.mode)
    if not groups:
        return None
    heads, notes = [], Notes()
    rows: dict[str, list[TableCell]] = {name: [] for name in groups}
    for card in _cards(results):
        averages, used = results.means(card)
        values = {name: [averages[other] for other in names] for name, names in groups.items()}
        known = {name: [one.value for one in found if one.value is not None] for name, found in values.items()}
        fitted = fitting(card, [one for found in values.values() for one in found])
        heads += [ColumnHead(card.title, _small(fitted, used)), ColumnHead("SD", "over seeds")]
        for name, numbers in known.items():
            if len(numbers) < len(groups[name]):
                gap = next(one.reason or "not measured" for one in values[name] if one.value is None)
                rows[name] += [_dash(gap, notes)] * 2
            else:
                rows[name] += [_number(fitted, number, numbers) for number in (mean(numbers), stdev(numbers))]
    body = [
        Row(f"{results.run.called(name)}, {len(names)} seeds", rows[name], link=results.layout.method(name))
        for name, names in groups.items()
    ]
    return _table(results, "seeds", "Spread over training seeds", _SEEDS, heads, [Group("", body)], notes)


def _ablations(results: Results) -> Table | None:
    """The full method, then its variants; each measure and its difference to the full method's."""
    groups = ablations_of(results.run, results.mode)
    if not groups:
        return None
    of, heads, notes = results.run.record.methods, [], Notes()
    seeds = {full: seeds_of(results.run, results.mode).get(full, [full])[1:] for full in groups}
    compared = {full: [*names, *seeds[full]] for full, names in groups.items()}
    rows: dict[str, list[TableCell]] = {name: [] for full, names in compared.items() for name in (full, *names)}
    for card in _cards(results):
        values, used = results.means(card)
        fitted = fitting(card, [values[name] for name in rows])
        heads += [ColumnHead(card.title, _small(fitted, used)), ColumnHead("Difference", "to the full method")]
        for full, names in compared.items():
            rows[full] += [print_cell(fitted, values[full], notes), TableCell("")]
            tests = results.compared_with(card, full, names)
            for name in names:
                test = None if tests is None else tests.between(name, full)
                rows[name] += [
                    print_cell(fitted, values[name], notes),
                    _signed(fitted, difference(values[full], values[name], test), notes),
                ]
    found = []
    for full, names in groups.items():
        whole = Row(f"{results.run.called(full)}, all of it", rows[full], link=results.layout.method(full))
        parts, luck = (
            [Row(of[name].title, rows[name], _changes(of[name].changes), results.layout.method(name)) for name in some]
            for some in (names, seeds[full])
        )
        found.append(Group("", [whole, *parts]))
        found += [Group(_LUCK, luck, apart=True)] if luck else []
    return _table(results, "ablations", "Ablations", _ABLATIONS, heads, found, notes)


def _table(
    results: Results, key: str, title: str, about: str, heads: list[ColumnHead], groups: list[Group], notes: Notes
) -> Table:
    mode = MODE_TITLES[results.mode].lower()
    every = [results.measure(name, column, ACCURACY.key) for name in results.rows for column in results.run.columns]
    facts = results.facts(every)
    return Table(f"{key}-{results.mode}", f"{title}, {mode}", about, facts, heads, groups, notes.texts, "plain")


def _small(card: MeasureCard, used: Sequence[bool]) -> str:
    """Text below a measure's title: its unit, its direction, and the number of columns in the means."""
    return ", ".join(part for part in (unit_and_direction(card), over(card, sum(used))) if part)


def _dash(reason: str, notes: Notes) -> TableCell:
    return TableCell(DASH, hint=reason, note=notes.number(reason))


def _number(card: MeasureCard, value: float, seeds: Sequence[float]) -> TableCell:
    shown = ", ".join(card.text(each) for each in seeds)
    return TableCell(card.text(value).replace("-", _MINUS), hint=f"of {shown}", numbers={"value": value * card.factor})


def _signed(card: MeasureCard, found: Measured, notes: Notes) -> TableCell:
    """A difference with its sign."""
    cell = print_cell(card, found, notes)
    if found.value is None:
        return cell
    sign = "+" if found.value > 0 else ""
    text, small = (part.replace("-", _MINUS) for part in (f"{sign}{cell.text}", cell.small))
    return TableCell(text, small.replace(DASH, " to "), cell.hint, numbers=cell.numbers)


def _changes(changes: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key} = {str(value).lower() if isinstance(value, bool) else value}" for key, value in changes.items()
    )
