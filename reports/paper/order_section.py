"""The section "The paper's order and ours" of the first page: sentences, tables, and slope charts of the ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.reports.paper.order import (
    Order,
    RankedSystem,
    agreement_words,
    chance_words,
    cheating_words,
    full_words,
    orders,
)
from bridgebench.reports.read.ranks import rank_text
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import (
    DASH,
    ColumnHead,
    Group,
    Notes,
    Row,
    Table,
    TableCell,
    count_cell,
    numbers_of,
    pairs_cells,
)

_LEAD = (
    "Which system is better than which, by the paper's tables and by this run: the systems that both have, ranked by "
    "their means over the same {}s. Where numbers do not compare, orders may."
)
_RULE = (
    "Two systems tie where a paired test over the images does not tell them apart, corrected for all pairs. A Fréchet "
    "distance has no test: its orders may be chance. "
    "Kendall's τ: pairs alike less pairs opposite, over all pairs; 1 is the paper's order, 0 no relation to it. "
    "Cheated: a control, which nobody trained, comes before systems."
)
_LETTER, _STEP, _TOP, _GAP, _BETWEEN = 8.0, 26.0, 34.0, 16.0, 84.0
_LONGEST = 44


@dataclass(frozen=True)
class Slope:
    """A system's line in the chart's units; `moved`: whether its rank changes by more than ties allow."""

    left: str
    right: str
    y: tuple[float, float]
    moved: bool
    hint: str


@dataclass(frozen=True)
class SlopeChart:
    """One measure; `ties` are the stretches between tied neighbours on our side."""

    title: str
    words: str
    slopes: list[Slope]
    ties: list[tuple[float, float]]
    x: tuple[float, float]
    width: float
    height: float


@dataclass(frozen=True)
class OrderSection:
    """The section's content: text made from the numbers, charts by the title of their mode, tables, folded tables."""

    lead: str
    text: list[str]
    charts: dict[str, list[SlopeChart]]
    tables: list[Table]
    folded: list[Table]


def order_section(run: Run) -> OrderSection | None:
    """The section; None if fewer than three systems of the paper were measured."""
    found = orders(run)
    if not found:
        return None
    ranked = [[order for order in found if order.mode == mode] for mode in dict.fromkeys(order.mode for order in found)]
    charts = {_mode_title(alike[0]): [slope_chart(order) for order in alike] for alike in ranked}
    chance = chance_words(found)
    luck = f"{full_words(found)} {chance[0].upper()}{chance[1:]}"
    text = [*agreement_words(found), luck, cheating_words(found)]
    tables, folded = [_pairs_table(run, found)], [_ranks_table(run, alike) for alike in ranked]
    return OrderSection(_LEAD.format(run.noun), [one for one in text if one], charts, tables, folded)


def _mode_title(order: Order) -> str:
    return MODE_TITLES[order.mode] if order.mode else "Both modes"


def _pairs_table(run: Run, found: Sequence[Order]) -> Table:
    """A table with measures as rows and, in columns, how many pairs keep their order."""
    heads = [
        ColumnHead("Systems"),
        ColumnHead("Alike", "pairs"),
        ColumnHead("Opposite", "pairs"),
        ColumnHead("Tied", "pairs"),
        ColumnHead("Kendall's τ", "1: the paper's"),
        ColumnHead("Alike", f"pairs by {run.noun}"),
        ColumnHead("Opposite", f"pairs by {run.noun}"),
        ColumnHead("Tied", f"pairs by {run.noun}"),
        ColumnHead("Cheated", "by a control"),
    ]
    notes = Notes()
    groups = []
    for mode in dict.fromkeys(order.mode for order in found):
        title = MODE_TITLES[mode] if mode else ""
        rows = [
            Row(f"{order.card.title}", _pairs_cells(order, notes), about=order.card.about)
            for order in found
            if order.mode == mode
        ]
        groups.append(Group(title, rows))
    facts = [f"means over {_columns(run, found)}", f"protocol {run.record.protocol_hash[:12]}"]
    title = "Pairs of systems in the paper's order"
    return Table("order-pairs", title, _RULE, facts, heads, groups, notes.texts, "plain", "Measure")


def _columns(run: Run, found: Sequence[Order]) -> str:
    counts = sorted({order.columns for order in found})
    return f"{' to '.join(map(str, counts[:: max(1, len(counts) - 1)]))} {run.noun}s"


def _pairs_cells(order: Order, notes: Notes) -> list[TableCell]:
    by_column = [order.by_column.alike, order.by_column.opposite, order.by_column.tied]
    return [
        count_cell(len(order.systems)),
        *pairs_cells(order.pairs),
        *map(count_cell, by_column),
        _cheated(order, notes),
    ]


def _cheated(order: Order, notes: Notes) -> TableCell:
    """Whether a control ranks before systems; a footnote says which."""
    if not order.controls:
        return TableCell("no")
    words = ", ".join(
        f"{title} comes before {'all' if title in order.cheats else f'{count} of'} {len(order.systems)} systems"
        for title, count in order.controls.items()
    )
    return TableCell("yes" if order.cheats else "in part", hint=words, note=notes.number(f"{words}."))


def _ranks_table(run: Run, found: Sequence[Order]) -> Table:
    """Systems as rows; for each measure, the rank in the paper and here, with the means behind them."""
    heads: list[ColumnHead] = []
    rows: dict[str, list[TableCell]] = {system.title: [] for order in found for system in order.systems}
    printed: list[tuple[float, ...]] = []
    for order in found:
        there = {system.title: system for system in order.systems}
        card = order.card
        unit = f" {card.unit}" if card.unit else ""
        theirs = tuple(system.paper for system in order.systems)
        heads += [ColumnHead(f"The paper's {order.published}", "rank, mean")] if theirs not in printed else []
        heads.append(ColumnHead(card.title, "rank, mean"))
        for title, cells in rows.items():
            if theirs not in printed:
                cells.append(_rank_cell(there.get(title), 0, f"{{:.{card.digits}f}}{unit}"))
            cells.append(_rank_cell(there.get(title), 1, f"{{:.{card.digits}f}}{unit}", card))
        printed.append(theirs)
    body = [Row(title, cells) for title, cells in rows.items()]
    about = f"Rank 1 is best; 1{DASH}3 is a tie, in which the tests leave these ranks open. The files hold the means."
    facts = [f"means over {_columns(run, found)}", f"protocol {run.record.protocol_hash[:12]}"]
    key, name = f"order-ranks-{found[0].mode or 'all'}", _mode_title(found[0]).lower()
    return Table(
        key, f"The ranks and what they come from, {name}", about, facts, heads, [Group("", body)], [], "plain", "System"
    )


def _rank_cell(system: RankedSystem | None, side: int, form: str, card: MeasureCard | None = None) -> TableCell:
    """The paper's rank (side 0) or ours (1), the mean in small print; `card` is that of our measure."""
    if system is None:
        return TableCell(DASH, hint="not measured")
    numbers = {"value": system.paper} if card is None else numbers_of(card, system.ours)
    return TableCell(rank_text(system.ranks[side]), form.format(numbers["value"]), numbers=numbers)


def slope_chart(order: Order) -> SlopeChart:
    """The chart of one order."""
    systems, card = order.systems, order.card
    sign = -1 if card.better == "higher" else 1
    ours = sorted(systems, key=lambda system: sign * (system.ours.value or 0.0))
    slopes = []
    for place, system in enumerate(systems):
        (first, last), (low, high) = system.ranks
        here, there = rank_text(system.ranks[1]), rank_text(system.ranks[0])
        slopes.append(
            Slope(
                f"{system.named[:_LONGEST]} {there}",
                f"{here} {system.title[:_LONGEST]}",
                (_TOP + _STEP * place, _TOP + _STEP * ours.index(system)),
                last < low or high < first,
                f"{system.title}: rank {there} in the paper, {here} here",
            )
        )
    ties = [
        (_TOP + _STEP * place, _TOP + _STEP * (place + 1))
        for place, (one, other) in enumerate(pairwise(ours))
        if frozenset((one.title, other.title)) in order.level
    ]
    margin = _GAP + _LETTER * max(max(len(slope.left), len(slope.right)) for slope in slopes)
    words = "; ".join(slope.hint for slope in slopes)
    height = _TOP + _STEP * len(systems) - 8
    return SlopeChart(card.title, words, slopes, ties, (margin, margin + _BETWEEN), 2 * margin + _BETWEEN, height)
