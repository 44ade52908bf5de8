"""Slope charts: the paper's ranks on the left, ours on the right, a line a system."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bridgebench.reports.paper.order import Order, beats

_LETTER, _STEP, _TOP, _GAP, _BETWEEN = 8.0, 26.0, 34.0, 16.0, 84.0
_LONGEST = 26


@dataclass(frozen=True)
class Slope:
    """A system's line in the chart's units; `moved`: it changes its rank by more than ties allow."""

    left: str
    right: str
    y: tuple[float, float]
    moved: bool
    hint: str


@dataclass(frozen=True)
class SlopeChart:
    """One measure; `ties` are the stretches of our side between neighbours that tie."""

    title: str
    words: str
    slopes: list[Slope]
    ties: list[tuple[float, float]]
    x: tuple[float, float]
    width: float
    height: float


def slope_chart(order: Order) -> SlopeChart:
    """The chart of one order."""
    systems, card = order.systems, order.card
    sign = -1 if card.better == "higher" else 1
    ours = sorted(systems, key=lambda system: sign * (system.ours.value or 0.0))
    slopes = []
    for place, system in enumerate(systems):
        (first, last), (low, high) = system.ranks
        here, there = rank_text(system.ranks[1]), rank_text(system.ranks[0])
        name = system.title[:_LONGEST]
        slopes.append(
            Slope(
                f"{name} {there}",
                f"{here} {name}",
                (_TOP + _STEP * place, _TOP + _STEP * ours.index(system)),
                last < low or high < first,
                f"{system.title}: rank {there} in the paper, {here} here",
            )
        )
    ties = [
        (_TOP + _STEP * place, _TOP + _STEP * (place + 1))
        for place, (one, other) in enumerate(pairwise(ours))
        if beats(card, one.ours, other.ours) == 0
    ]
    margin = _GAP + _LETTER * max(max(len(slope.left), len(slope.right)) for slope in slopes)
    words = "; ".join(slope.hint for slope in slopes)
    height = _TOP + _STEP * len(systems) - 8
    return SlopeChart(card.title, words, slopes, ties, (margin, margin + _BETWEEN), 2 * margin + _BETWEEN, height)


def rank_text(ranks: tuple[int, int]) -> str:
    """``"2"``, or ``"2–3"`` of a tie."""
    first, last = ranks
    return str(first) if first == last else f"{first}\N{EN DASH}{last}"
