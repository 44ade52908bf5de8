"""Orders of systems: ranks with ties, and how far two orders of the same systems agree (Kendall's tau)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.reports.read.comparisons import Comparisons

FEWEST = 3  # systems that an order must have to be reported


@dataclass(frozen=True)
class Pairs:
    """Numbers of pairs of systems that two orders have alike, that they have opposite, and that tie in one or both."""

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


Beats = Callable[[int, int], int]


def beats(
    card: MeasureCard, names: Sequence[str], values: Sequence[Measured], compared: Comparisons | None = None
) -> Beats:
    """Which of two systems is better, by their places in `names` and `values`.

    Returns:
        A function of two places. 1: the first system is better; -1: the second is; 0: they tie: their difference is not
        real, or one of them has no value. Without tests, as of a Fréchet distance, the better number is better.
    """

    def better(i: int, j: int) -> int:
        one, other = values[i].value, values[j].value
        if one is None or other is None or one == other:
            return 0
        if compared is not None:
            return compared.better(card, names[i], names[j])
        return 1 if (one > other) == (card.better == "higher") else -1

    return better


def by_numbers(card: MeasureCard, values: Sequence[float]) -> Beats:
    """Which of two systems has the better number; equal numbers tie."""

    def better(i: int, j: int) -> int:
        sign = (values[i] > values[j]) - (values[i] < values[j])
        return sign if card.better == "higher" else -sign

    return better


def agreement(count: int, first: Beats, second: Beats) -> Pairs:
    """Compares two orders of `count` systems, pair by pair."""
    found = Pairs()
    for i, j in combinations(range(count), 2):
        both = first(i, j) * second(i, j)
        found += Pairs(int(both > 0), int(both < 0), int(both == 0))
    return found


def ranks(count: int, better: Beats) -> list[tuple[int, int]]:
    """The first and the last rank that each of `count` systems may have; systems that tie share their ranks."""
    places = range(count)
    return [(1 + sum(better(j, i) > 0 for j in places), count - sum(better(i, j) > 0 for j in places)) for i in places]


def rank_text(ranks: tuple[int, int]) -> str:
    """``"2"``, or ``"2–3"`` for a tie."""
    first, last = ranks
    return str(first) if first == last else f"{first}\N{EN DASH}{last}"
