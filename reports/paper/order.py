"""The paper's order of systems beside ours, by measure: ranks, pairs that keep their order, and Kendall's tau."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

from bridgebench.reports.paper.published import printed, tables_beside
from bridgebench.reports.read.records import MODES, Measure, Mode
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables import measures as m
from bridgebench.reports.tables.measures import MeasureCard
from bridgebench.reports.tables.tables import mean, too_few

FEWEST = 3  # systems of the paper, for an order to be worth a look


@dataclass(frozen=True)
class Pairs:
    """How many pairs stand in the paper's order, in the opposite one, or are tied."""

    alike: int = 0
    opposite: int = 0
    tied: int = 0

    @property
    def total(self) -> int:
        """All pairs."""
        return self.alike + self.opposite + self.tied

    @property
    def tau(self) -> float:
        """Kendall's tau in [-1, 1]: a tied pair counts as neither alike nor opposite (tau a; Kendall 1938)."""
        return (self.alike - self.opposite) / self.total

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(self.alike + other.alike, self.opposite + other.opposite, self.tied + other.tied)


@dataclass(frozen=True)
class System:
    """A row of the paper's table that was measured here; `paper` and `ours` are means over the same columns.

    Attributes:
        ranks: first and last rank that it may have, the paper's and ours: equal where nobody ties with it.
    """

    title: str
    method: str
    mode: Mode
    paper: float
    ours: Measure
    ranks: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Order:
    """One of our measures held against a table of the paper.

    Attributes:
        card, published: our measure; what the paper's table holds.
        mode: None where the table has both modes in one (conversions).
        systems: from the paper's best to its worst.
        columns: over how many attributes (or conversions) the means are.
        pairs: of the means; `by_column`: of every column by itself, added up.
        all_columns: how many the run has.
        controls: how many of the systems each control leaves behind, the oracle aside.
        cheats: the controls that leave every system behind, and in which modes they do.
    """

    card: MeasureCard
    published: str
    mode: Mode | None
    systems: list[System]
    columns: int
    all_columns: int
    pairs: Pairs
    by_column: Pairs
    controls: dict[str, int]
    cheats: dict[str, list[Mode]]

    @property
    def orders(self) -> int:
        """How many orders of so many systems there are."""
        return factorial(len(self.systems))


def orders(run: Run) -> list[Order]:
    """Every measure that the paper's tables have, label edits first; those of fewer than three systems are left out."""
    modes = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    target, whole, _ = m.distances(run.record.features.title, run.conversions)
    held = [
        ("table1_accuracy_celeba", "accuracy", m.ACCURACY),
        ("table1_accuracy_celeba", "accuracy", m.SECOND),
        ("table2_fid_celeba", "FID", whole),
        ("table2_fid_celeba", "FID", target),
    ]
    # Table 3 ranks both modes together.
    asked = [([results], *one) for results in modes for one in held] + [(modes, "table3_fid_afhq", "FID", target)]
    found = [_order(*one) for one in asked if one[1] in tables_beside(run)]
    return [order for order in found if order is not None]


def beats(card: MeasureCard, one: Measure, other: Measure) -> int:
    """1: `one` is better; -1: `other` is; 0: they tie, as their intervals meet or are of too few images to tell."""
    if one.value is None or other.value is None or one.value == other.value:
        return 0
    bounds = (one.low, one.high, other.low, other.high)
    if not card.distance:
        low, high, other_low, other_high = (0.0 if bound is None else bound for bound in bounds)
        if too_few(one) or too_few(other) or None in bounds or (low <= other_high and other_low <= high):
            return 0
    return 1 if (one.value > other.value) == (card.better == "higher") else -1


def agreement(card: MeasureCard, paper: Sequence[float], ours: Sequence[Measure]) -> Pairs:
    """The pairs of some systems, given in one order twice: the paper's numbers and ours."""
    found = Pairs()
    for i, j in combinations(range(len(paper)), 2):
        here = beats(card, ours[i], ours[j])
        there = (paper[i] > paper[j]) - (paper[i] < paper[j])
        sign = here * (there if card.better == "higher" else -there)
        found += Pairs(int(sign > 0), int(sign < 0), int(sign == 0))
    return found


def ranks(card: MeasureCard, values: Sequence[Measure]) -> list[tuple[int, int]]:
    """Of each the first and the last rank that it may have: ties share theirs."""
    return [
        (
            1 + sum(beats(card, other, one) > 0 for other in values),
            len(values) - sum(beats(card, one, other) > 0 for other in values),
        )
        for one in values
    ]


def _order(modes: Sequence[Results], file: str, published: str, card: MeasureCard) -> Order | None:
    run, paper = modes[0].run, printed(file)
    found = [
        (results, name)
        for results in modes
        for name in results.kind("method")
        if (name, results.mode) in paper and any(one.value is not None for one in results.across(card)[name])
    ]
    if len(found) < FEWEST:
        return None
    rows = [results.across(card)[name] for results, name in found]
    numbers = [paper[name, results.mode] for results, name in found]
    used = [
        all(row[i].value is not None for row in rows) and all(column in row for row in numbers)
        for i, column in enumerate(run.columns)
    ]
    columns = [column for column, use in zip(run.columns, used, strict=True) if use]
    if not columns:
        return None
    theirs = [sum(row[column] for column in columns) / len(columns) for row in numbers]
    ours = [mean(row, used, run.noun) for row in rows]
    by_column = Pairs()
    for i, column in enumerate(run.columns):
        if used[i]:
            by_column += agreement(card, [row[column] for row in numbers], [row[i] for row in rows])
    published_ranks = _plain_ranks(card, theirs)
    systems = [
        System(
            _title(results, name, len(modes) > 1), name, results.mode, theirs[i], ours[i], (published_ranks[i], rank)
        )
        for i, ((results, name), rank) in enumerate(zip(found, ranks(card, ours), strict=True))
    ]
    controls = _controls(modes, card, used, ours)
    return Order(
        card,
        published,
        None if len(modes) > 1 else modes[0].mode,
        sorted(systems, key=lambda system: system.paper, reverse=card.better == "higher"),
        len(columns),
        len(run.columns),
        agreement(card, theirs, ours),
        by_column,
        {title: max(behind.values()) for title, behind in controls.items()},
        {title: first for title, behind in controls.items() if (first := _where(behind, len(found)))},
    )


def _plain_ranks(card: MeasureCard, values: Sequence[float]) -> list[tuple[int, int]]:
    """Ranks of numbers without intervals."""
    sign = -1 if card.better == "higher" else 1
    return [
        (1 + sum(sign * other < sign * one for other in values), sum(sign * other <= sign * one for other in values))
        for one in values
    ]


def _controls(
    modes: Sequence[Results], card: MeasureCard, used: Sequence[bool], ours: Sequence[Measure]
) -> dict[str, dict[Mode, int]]:
    """Of each control that leaves any system behind, how many, by mode."""
    found: dict[str, dict[Mode, int]] = {}
    for results in modes:
        for name in results.kind("control"):
            if name != "oracle":  # it is to be first
                average = mean(results.across(card)[name], used, results.run.noun)
                behind = sum(beats(card, average, one) > 0 for one in ours)
                title = results.run.record.methods[name].title
                if behind:
                    found.setdefault(title, {})[results.mode] = behind
    return found


def _where(behind: dict[Mode, int], systems: int) -> list[Mode]:
    return [mode for mode, count in behind.items() if count == systems]


def _title(results: Results, name: str, both: bool) -> str:
    title = results.run.record.methods[name].title
    return f"{title}, {MODE_TITLES[results.mode].removeprefix('Edits ')}" if both else title
