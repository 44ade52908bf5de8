"""Compares the paper's order of systems with ours, by measure: ranks, Kendall's tau, and sentences about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

from bridgebench.eval.measures.accuracy import ACCURACY, SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.paper.published import TABLE1, TABLE2, TABLE3, printed, tables_beside
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import mean, too_few
from bridgebench.reports.words.text import listed, spelt

FEWEST = 3  # systems of the paper that an order must have to be reported


@dataclass(frozen=True)
class Pairs:
    """Numbers of pairs in the paper's order, in the opposite order, and tied."""

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
class RankedSystem:
    """A row of the paper's table that was measured here; `paper` and `ours` are means over the same columns.

    Attributes:
        ranks: first and last possible rank, in the paper and here; equal if no system ties with it.
    """

    title: str
    method: str
    mode: Mode
    paper: float
    ours: Measured
    ranks: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Order:
    """One of our measures compared with a table of the paper.

    Attributes:
        card, published: our measure; the content of the paper's table.
        mode: None if the table has both modes together (conversions).
        systems: from the paper's best to its worst.
        columns: number of attributes (or conversions) in the means.
        pairs: pairs compared by means; `by_column`: pairs of every single column, added up.
        all_columns: number of columns of the run.
        controls: how many systems each control beats, without the oracle.
        cheats: the controls that beat every system, and in which modes.
    """

    card: MeasureCard
    published: str
    mode: Mode | None
    systems: list[RankedSystem]
    columns: int
    all_columns: int
    pairs: Pairs
    by_column: Pairs
    controls: dict[str, int]
    cheats: dict[str, list[Mode]]

    @property
    def orders(self) -> int:
        """The number of possible orders of this many systems."""
        return factorial(len(self.systems))


def orders(run: Run) -> list[Order]:
    """All measures in the paper's tables, label edits first; orders of fewer than three systems are left out."""
    modes = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    target, whole = modes[0].target, modes[0].card(FD_PAPER)
    held = [
        (TABLE1, "accuracy", ACCURACY),
        (TABLE1, "accuracy", SECOND),
        (TABLE2, "FID", whole),
        (TABLE2, "FID", target),
    ]
    # Table 3 ranks both modes together.
    asked = [([results], *one) for results in modes for one in held] + [(modes, TABLE3, "FID", target)]
    found = [_order(*one) for one in asked if one[1] in tables_beside(run)]
    return [order for order in found if order is not None]


def beats(card: MeasureCard, one: Measured, other: Measured) -> int:
    """1: `one` is better; -1: `other` is; 0: they tie: their intervals overlap, or there are too few images to tell."""
    if one.value is None or other.value is None or one.value == other.value:
        return 0
    bounds = (one.low, one.high, other.low, other.high)
    if not card.distance:
        low, high, other_low, other_high = (0.0 if bound is None else bound for bound in bounds)
        if too_few(one) or too_few(other) or None in bounds or (low <= other_high and other_low <= high):
            return 0
    return 1 if (one.value > other.value) == (card.better == "higher") else -1


def agreement(card: MeasureCard, paper: Sequence[float], ours: Sequence[Measured]) -> Pairs:
    """Compares the order of all pairs of systems in the paper and here; both lists have the same systems in order."""
    found = Pairs()
    for i, j in combinations(range(len(paper)), 2):
        here = beats(card, ours[i], ours[j])
        there = (paper[i] > paper[j]) - (paper[i] < paper[j])
        sign = here * (there if card.better == "higher" else -there)
        found += Pairs(int(sign > 0), int(sign < 0), int(sign == 0))
    return found


def ranks(card: MeasureCard, values: Sequence[Measured]) -> list[tuple[int, int]]:
    """The first and the last rank that each value may have; values that tie share their ranks."""
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
        RankedSystem(
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
        {title: first for title, behind in controls.items() if (first := _leading_modes(behind, len(found)))},
    )


def _plain_ranks(card: MeasureCard, values: Sequence[float]) -> list[tuple[int, int]]:
    """Ranks of numbers without intervals."""
    sign = -1 if card.better == "higher" else 1
    return [
        (1 + sum(sign * other < sign * one for other in values), sum(sign * other <= sign * one for other in values))
        for one in values
    ]


def _controls(
    modes: Sequence[Results], card: MeasureCard, used: Sequence[bool], ours: Sequence[Measured]
) -> dict[str, dict[Mode, int]]:
    """How many systems each control beats, by title and mode; controls that beat no system are left out."""
    found: dict[str, dict[Mode, int]] = {}
    for results in modes:
        for name in results.kind("control"):
            if name != "oracle":  # the oracle should be first
                average = mean(results.across(card)[name], used, results.run.noun)
                behind = sum(beats(card, average, one) > 0 for one in ours)
                title = results.run.record.methods[name].title
                if behind:
                    found.setdefault(title, {})[results.mode] = behind
    return found


def _leading_modes(behind: dict[Mode, int], systems: int) -> list[Mode]:
    """The modes in which a control beats all systems."""
    return [mode for mode, count in behind.items() if count == systems]


def _title(results: Results, name: str, both: bool) -> str:
    title = results.run.record.methods[name].title
    return f"{title}, {MODE_TITLES[results.mode].removeprefix('Edits ')}" if both else title


def where(order: Order) -> str:
    """``"by label"``; of conversions ``"in both modes"``."""
    return MODE_TITLES[order.mode].removeprefix("Edits ") if order.mode else "in both modes"


def _led(order: Order, modes: Sequence[Mode]) -> str:
    """Words for the modes in which a control comes first; an order of conversions has both modes."""
    return where(order) if len(modes) > 1 else MODE_TITLES[modes[0]].removeprefix("Edits ")


def pairs_words(order: Order) -> str:
    """``"4 of 6 pairs in accuracy (1 opposite, 1 tied; τ = 0.50)"``."""
    pairs = order.pairs
    parts = [f"{count} {word}" for count, word in ((pairs.opposite, "opposite"), (pairs.tied, "tied")) if count]
    tau = f"τ = {pairs.tau:.2f}".replace("-", "\N{MINUS SIGN}")
    more = "; ".join([*filter(None, [", ".join(parts)]), tau])
    over = "" if order.columns == order.all_columns else f" over {order.columns} of {order.all_columns} columns"
    return f"{pairs.alike} of {pairs.total} pairs in {order.card.spoken}{over} ({more})"


def agreement_words(found: Sequence[Order]) -> list[str]:
    """One sentence per mode: how many pairs of systems are ordered as in the paper, for each measure."""
    sentences = []
    for mode in dict.fromkeys(order.mode for order in found):
        of_mode = [order for order in found if order.mode == mode]
        count = spelt(len(of_mode[0].systems))
        whose = f"{count} systems" if mode else f"{count} rows (a system in a mode each)"
        pairs = listed([f"for {pairs_words(order)}" for order in of_mode])
        sentences.append(f"{where(of_mode[0]).capitalize()}, the paper's order of {whose} holds {pairs}.")
    return sentences


def chance_words(found: Sequence[Order]) -> str:
    """Says how much an order of so few systems can show."""
    sizes = {len(order.systems): order.orders for order in found}
    counts = listed([f"{spelt(size)} have {sizes[size]}" for size in sorted(sizes, reverse=True)])
    kind = "systems" if found[0].mode else "rows"
    return f"few {kind} have few orders ({counts}), so full agreement soon comes about by chance."


def full_words(found: Sequence[Order]) -> str:
    """Says in which measures every pair is ordered as in the paper."""
    full = listed([f"{order.card.spoken} {where(order)}" for order in found if order.pairs.tau == 1])
    return (
        f"The whole of the paper's order is found in {full}."
        if full
        else "No measure has the whole of the paper's order."
    )


def cheating_words(found: Sequence[Order], without: str = "") -> str:
    """Says which measures rank a control before all systems; the control `without` is left out."""
    parts = []
    for control in dict.fromkeys(title for order in found for title in order.cheats if title != without):
        modes: dict[str, list[str]] = {}
        for order in found:
            if control in order.cheats:
                modes.setdefault(order.card.spoken, []).append(_led(order, order.cheats[control]))
        alike: dict[str, list[str]] = {}
        for measure, its in modes.items():
            alike.setdefault(listed(its), []).append(measure)
        parts.append(f"{control} {', '.join(f'{its} in {listed(measures)}' for its, measures in alike.items())}")
    if not parts:
        return ""
    told = "; ".join(parts)
    return f"Controls come before every system: {told}. A good value of such a measure alone proves no good edit."
