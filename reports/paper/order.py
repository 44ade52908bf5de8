"""Compares the paper's order of systems with ours, by measure: ranks, Kendall's tau, and sentences about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial
from statistics import fmean

from bridgebench.eval.measures.accuracy import ACCURACY, SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.paper.added import Added, other_task, task_of
from bridgebench.reports.paper.published import TABLE1, TABLE2, TABLE3, printed, tables_beside
from bridgebench.reports.read.ranks import FEWEST, Pairs, agreement, beats, by_numbers, ranks
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import mean
from bridgebench.reports.words.text import listed, spelt


@dataclass(frozen=True)
class RankedSystem:
    """A row of the paper's table that was measured here; `paper` and `ours` are means over the same columns.

    Attributes:
        ranks: first and last possible rank, in the paper and here; equal if no system ties with it.
        named: what the paper's system is called: the method without our recipe.
    """

    title: str
    method: str
    mode: Mode
    paper: float
    ours: Measured
    ranks: tuple[tuple[int, int], tuple[int, int]]
    named: str


@dataclass(frozen=True)
class Order:
    """One of our measures compared with a table of the paper.

    Attributes:
        card, published: our measure; the content of the paper's table.
        mode: None if the table has both modes together (conversions).
        systems: from the paper's best to its worst.
        columns: number of attributes (or conversions) in the means.
        level: titles of pairs of systems that tie here.
        pairs: pairs compared by means; `by_column`: pairs of every single column, added up.
        all_columns: number of columns of the run.
        tested: whether a pair is tied where its difference is not real; else no pair is tested, and its order is that
            of the two numbers.
        controls: how many systems each control beats, without the oracle.
        cheats: the controls that beat every system, and in which modes.
    """

    card: MeasureCard
    published: str
    mode: Mode | None
    systems: list[RankedSystem]
    columns: int
    all_columns: int
    tested: bool
    level: frozenset[frozenset[str]]
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
    asked = [
        ([task], file, published, _only_added(card) if isinstance(task, Added) else card)
        for results in modes
        for file, published, card in held
        if not other_task(task := task_of(results, file), file)
    ]
    asked += [(modes, TABLE3, "FID", target)]
    found = [_order(*one) for one in asked if one[1] in tables_beside(run)]
    return [order for order in found if order is not None]


def _only_added(card: MeasureCard) -> MeasureCard:
    """The card of an accuracy in words that tell it from that of flips."""
    return replace(card, title=f"{card.title}, only added", spoken=f"{card.spoken} where attributes are only added")


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
    theirs = [fmean(row[column] for column in columns) for row in numbers]
    ours = [mean(row, used, run.noun) for row in rows]
    names = [name for _, name in found]
    # An order of both modes is one of distances, which have no test.
    compared = modes[0].compared(card, columns) if len(modes) == 1 else None
    compared_in = modes[0].compared_in(card) if len(modes) == 1 else {}
    by_column = Pairs()
    for i, column in enumerate(run.columns):
        if used[i]:
            better = beats(card, names, [row[i] for row in rows], compared_in.get(column))
            by_column += agreement(len(names), by_numbers(card, [row[column] for row in numbers]), better)
    better = beats(card, names, ours, compared)
    published_ranks = ranks(len(found), by_numbers(card, theirs))
    systems = [
        RankedSystem(
            _title(run.called(name), results, len(modes) > 1),
            name,
            results.mode,
            theirs[i],
            ours[i],
            (published_ranks[i], rank),
            _title(run.record.methods[name].title, results, len(modes) > 1),
        )
        for i, ((results, name), rank) in enumerate(zip(found, ranks(len(found), better), strict=True))
    ]
    controls = _controls(modes, card, columns, used, names, ours)
    return Order(
        card,
        published,
        None if len(modes) > 1 else modes[0].mode,
        sorted(systems, key=lambda system: system.paper, reverse=card.better == "higher"),
        len(columns),
        len(run.columns),
        compared is not None,
        frozenset(
            frozenset((systems[i].title, systems[j].title))
            for i, j in combinations(range(len(systems)), 2)
            if better(i, j) == 0
        ),
        agreement(len(names), by_numbers(card, theirs), better),
        by_column,
        {title: max(behind.values()) for title, behind in controls.items()},
        {title: first for title, behind in controls.items() if (first := _leading_modes(behind, len(found)))},
    )


def _controls(
    modes: Sequence[Results],
    card: MeasureCard,
    columns: Sequence[str],
    used: Sequence[bool],
    names: Sequence[str],
    ours: Sequence[Measured],
) -> dict[str, dict[Mode, int]]:
    """How many systems each control beats, by title and mode; controls that beat no system are left out."""
    found: dict[str, dict[Mode, int]] = {}
    for results in modes:
        compared = results.compared(card, columns) if len(modes) == 1 else None
        for name in results.kind("control"):
            if name != "oracle":  # the oracle should be first
                average = mean(results.across(card)[name], used, results.run.noun)
                better = beats(card, [name, *names], [average, *ours], compared)
                behind = sum(better(0, place) > 0 for place in range(1, len(ours) + 1))
                title = results.run.record.methods[name].title
                if behind:
                    found.setdefault(title, {})[results.mode] = behind
    return found


def _leading_modes(behind: dict[Mode, int], systems: int) -> list[Mode]:
    """The modes in which a control beats all systems."""
    return [mode for mode, count in behind.items() if count == systems]


def _title(title: str, results: Results, both: bool) -> str:
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
