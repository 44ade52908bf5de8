"""Which differences of two methods are real: paired tests over the outcomes of single edits.

The tests are those of eval/statistics/paired.py. The comparisons of a table are corrected together by Holm's rule:
those of all pairs of methods in one measure, or in one measure in each of its columns. The comparisons of a control
with each of the methods are corrected apart, because nobody asks whether a control is the best method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.record import Mode
from bridgebench.eval.statistics.intervals import Bounds
from bridgebench.eval.statistics.paired import ALPHA, Difference, differences, differences_by_cell, holm
from bridgebench.eval.statistics.ratios import amounts_of, over_cells
from bridgebench.reports.read.run import Run

Values = NDArray[np.float64]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Compared:
    """The difference of two methods; its `p` is Holm's, corrected with the other comparisons of its table."""

    difference: Difference

    @property
    def real(self) -> bool:
        """Whether the difference is more than chance."""
        return self.difference.p < ALPHA

    def turned(self) -> Compared:
        """The same of the second method and the first."""
        found = self.difference
        return Compared(replace(found, value=-found.value, low=-found.high, high=-found.low))


@dataclass(frozen=True)
class Comparisons:
    """The differences of all pairs of methods, and of each control to each method, in one measure."""

    pairs: Mapping[tuple[str, str], Compared]

    def between(self, first: str, second: str) -> Compared | None:
        """The first method's mean minus the second's; None if they were not compared."""
        if (first, second) in self.pairs:
            return self.pairs[first, second]
        turned = self.pairs.get((second, first))
        return turned and turned.turned()

    def better(self, card: MeasureCard, first: str, second: str) -> int:
        """1: the first is really better; -1: the second is; 0: they are not told apart."""
        found = self.between(first, second)
        if found is None or not found.real:
            return 0
        return 1 if (found.difference.value > 0) == (card.better == "higher") else -1


@dataclass(frozen=True)
class _Aligned:
    """The values of several methods in several columns.

    Attributes:
        sources: (N,) of each column.
        values: by method (N,) of each column; None for a column that it lacks. Of a ratio of sums the amounts.
        units: (N,) of each column, what the amounts of a ratio are held against; None: it is no ratio, or the records
            are of an older version, which has its cells' ratios alone.
    """

    sources: list[NDArray[np.int64]]
    values: dict[str, list[Values | None]]
    units: list[Values] | None


class PairedTests:
    """The comparisons of the methods of a run in one mode, each made when it is first asked for.

    Methods that are variants of others are left out: they are compared with the method that they are a variant of.
    """

    def __init__(self, run: Run, mode: Mode) -> None:
        self.run, self.mode = run, mode
        records = run.record.methods
        self.methods = [name for name in run.methods if records[name].kind == "method" and not records[name].variant_of]
        self.controls = [name for name in run.methods if records[name].kind == "control"]
        self._of_means: dict[tuple[str, ...], Comparisons | None] = {}
        self._of_columns: dict[tuple[str, ...], dict[str, Comparisons]] = {}

    def of_means(self, card: MeasureCard, columns: Sequence[str]) -> Comparisons | None:
        """Compares the means over columns; None if the outcomes of some edits are missing."""
        asked = card.key, *columns
        if asked not in self._of_means:
            self._of_means[asked] = self._compare_means(card, columns)
        return self._of_means[asked]

    def of_variants(
        self, card: MeasureCard, columns: Sequence[str], full: str, variants: Sequence[str]
    ) -> Comparisons | None:
        """Compares a method with each of its variants; None if the outcomes of some edits are missing."""
        rows = [name for name in [full, *variants] if self._measured(name, card, columns)]
        aligned = self._aligned(rows, card, columns)
        if aligned is None:
            return None
        found = differences(aligned.values, aligned.sources, card.shares, aligned.units)
        return Comparisons(_corrected(found, [pair for pair in found if full in pair]))

    def of_columns(self, card: MeasureCard, columns: Sequence[str]) -> dict[str, Comparisons]:
        """Compares the methods in each of some columns, corrected together; empty if outcomes are missing."""
        asked = card.key, *columns
        if asked not in self._of_columns:
            self._of_columns[asked] = self._compare_columns(card, columns)
        return self._of_columns[asked]

    def ratio(self, card: MeasureCard, name: str, columns: Sequence[str]) -> Bounds | None:
        """The 95 % interval of a method's ratio of sums over columns; None if it has none there or outcomes lack."""
        aligned = self._aligned([name], card, columns) if self._measured(name, card, columns) else None
        if aligned is None or aligned.units is None:
            return None
        amounts = [values for values in aligned.values[name] if values is not None]
        return over_cells(amounts, aligned.units, aligned.sources)[1]

    def _compare_means(self, card: MeasureCard, columns: Sequence[str]) -> Comparisons | None:
        rows = [name for name in [*self.methods, *self.controls] if self._measured(name, card, columns)]
        aligned = self._aligned(rows, card, columns)
        if aligned is None:
            return None
        found = differences(aligned.values, aligned.sources, card.shares, aligned.units)
        controls = {*self.controls}
        families = [[pair for pair in found if not controls & {*pair}]]
        families += [[pair for pair in found if {*pair} & controls == {control}] for control in self.controls]
        return Comparisons({pair: one for family in families for pair, one in _corrected(found, family).items()})

    def _compare_columns(self, card: MeasureCard, columns: Sequence[str]) -> dict[str, Comparisons]:
        aligned = self._aligned(self.methods, card, columns)
        if aligned is None:
            return {}
        found = differences_by_cell(aligned.values, aligned.sources, card.shares, aligned.units)
        corrected = _corrected(found, [*found])
        return {
            column: Comparisons({pair: one for (its, pair), one in corrected.items() if its == number})
            for number, column in enumerate(columns)
        }

    def _measured(self, name: str, card: MeasureCard, columns: Sequence[str]) -> bool:
        """Whether a method has a value in all of these columns."""
        cells = [self.run.cell(self.run.record.protocol_hash, name, self.mode, column) for column in columns]
        found = [None if cell is None else cell.measures.get(card.key) for cell in cells]
        return bool(found) and all(measure is not None and measure.value is not None for measure in found)

    def _aligned(self, rows: Sequence[str], card: MeasureCard, columns: Sequence[str]) -> _Aligned | None:
        """The values of the methods by source in each column; None if a cell has no outcomes."""
        kept: list[dict[str, Outcomes]] = []
        for column in columns:
            found = {
                name: self.run.outcomes(name, self.mode, column)
                for name in rows
                if self._measured(name, card, [column])
            }
            whole = {name: one for name, one in found.items() if one is not None and card.key in one.values}
            if len(whole) < len(found):
                return None
            kept.append(whole)
        every = [outcomes for of in kept for outcomes in of.values()]
        ratio = bool(card.against) and all(card.against in outcomes.units for outcomes in every)
        sources: list[NDArray[np.int64]] = []
        values: dict[str, list[Values | None]] = {name: [] for name in rows}
        units: list[Values] = []
        for of in kept:
            value_of = partial(_amounts, card=card) if ratio else partial(_values, card=card)
            known = {name: by_source(one, value_of(one)) for name, one in of.items()}
            against: dict[int, float] = {}  # the same whatever the method
            for one in of.values() if ratio else ():
                against |= by_source(one, one.units[card.against])
            sources.append(np.array(sorted(set().union(*known.values())), dtype=np.int64))
            order = sources[-1].tolist()
            for name in rows:
                row = known.get(name)
                values[name].append(None if row is None else np.array([row.get(source, np.nan) for source in order]))
            units.append(np.array([against[source] for source in order]) if ratio else np.ones(len(order)))
        return _Aligned(sources, values, units if ratio else None) if any(map(len, sources)) else None


@lru_cache(maxsize=4)  # both modes of two runs; every page of a run asks for them
def paired_tests(run: Run, mode: Mode) -> PairedTests:
    """The comparisons of a run in one mode."""
    return PairedTests(run, mode)


def by_source(outcomes: Outcomes, values: NDArray) -> dict[int, float]:
    """Values (P,) of single edits by source: the mean of the source's edits that have a value."""
    known = np.isfinite(values)
    sources, places = np.unique(outcomes.source[known], return_inverse=True)
    sums = np.bincount(places, values[known].astype(np.float64))
    return dict(zip(sources.tolist(), (sums / np.bincount(places)).tolist(), strict=True))


def _values(outcomes: Outcomes, card: MeasureCard) -> NDArray:
    """A measure of each edit, (P,)."""
    return outcomes.values[card.key]


def _amounts(outcomes: Outcomes, card: MeasureCard) -> Values:
    """Of a ratio of sums, what each edit gives to it, (P,)."""
    return amounts_of(outcomes.values[card.key], outcomes.units[card.against])


def _corrected(found: Mapping[Key, Difference], family: Sequence[Key]) -> dict[Key, Compared]:
    ps = holm([found[key].p for key in family])
    return {key: Compared(replace(found[key], p=float(p))) for key, p in zip(family, ps, strict=True)}
