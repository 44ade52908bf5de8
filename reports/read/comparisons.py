"""Which differences of two methods are real: paired tests over the outcomes of single edits.

The tests are those of eval/statistics/paired.py. The comparisons of a table are corrected together by Holm's rule:
those of all pairs of methods in one measure, or in one measure in each of its columns. The comparisons of a control
with each of the methods are corrected apart, because nobody asks whether a control is the best method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.record import Mode
from bridgebench.eval.statistics.paired import ALPHA, Difference, differences, differences_by_cell, holm
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
        self._of_columns: dict[str, dict[str, Comparisons]] = {}

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
        sources, values = aligned
        found = differences(values, sources, card.shares)
        return Comparisons(_corrected(found, [pair for pair in found if full in pair]))

    def of_columns(self, card: MeasureCard) -> dict[str, Comparisons]:
        """Compares the methods in each column; empty if the outcomes of some edits are missing."""
        if card.key not in self._of_columns:
            self._of_columns[card.key] = self._compare_columns(card)
        return self._of_columns[card.key]

    def _compare_means(self, card: MeasureCard, columns: Sequence[str]) -> Comparisons | None:
        rows = [name for name in [*self.methods, *self.controls] if self._measured(name, card, columns)]
        aligned = self._aligned(rows, card, columns)
        if aligned is None:
            return None
        sources, values = aligned
        found = differences(values, sources, card.shares)
        controls = {*self.controls}
        families = [[pair for pair in found if not controls & {*pair}]]
        families += [[pair for pair in found if {*pair} & controls == {control}] for control in self.controls]
        return Comparisons({pair: one for family in families for pair, one in _corrected(found, family).items()})

    def _compare_columns(self, card: MeasureCard) -> dict[str, Comparisons]:
        columns = self.run.columns
        aligned = self._aligned(self.methods, card, columns)
        if aligned is None:
            return {}
        sources, values = aligned
        found = differences_by_cell(values, sources, card.shares)
        corrected = _corrected(found, [*found])
        return {
            column: Comparisons({pair: one for (its, pair), one in corrected.items() if its == number})
            for number, column in enumerate(columns)
        }

    def _measured(self, name: str, card: MeasureCard, columns: Sequence[str]) -> bool:
        """Whether a method has a value in all of these columns."""
        cells = [self.run.cells.get((self.run.record.protocol_hash, name, self.mode, column)) for column in columns]
        found = [None if cell is None else cell.measures.get(card.key) for cell in cells]
        return bool(found) and all(measure is not None and measure.value is not None for measure in found)

    def _aligned(
        self, rows: Sequence[str], card: MeasureCard, columns: Sequence[str]
    ) -> tuple[list[NDArray[np.int64]], dict[str, list[Values | None]]] | None:
        """Of each column the sources, and by method a value for each of them; None if a cell has no outcomes."""
        sources: list[NDArray[np.int64]] = []
        values: dict[str, list[Values | None]] = {name: [] for name in rows}
        for column in columns:
            known: dict[str, dict[int, float]] = {}
            for name in rows:
                if self._measured(name, card, [column]):
                    outcomes = self.run.outcomes(name, self.mode, column)
                    if outcomes is None or card.key not in outcomes.values:
                        return None
                    known[name] = by_source(outcomes, card.key)
            sources.append(np.array(sorted(set().union(*known.values())), dtype=np.int64))
            for name in rows:
                of = known.get(name)
                row = None if of is None else np.array([of.get(source, np.nan) for source in sources[-1].tolist()])
                values[name].append(row)
        return (sources, values) if any(map(len, sources)) else None


@lru_cache(maxsize=4)  # both modes of two runs; every page of a run asks for them
def paired_tests(run: Run, mode: Mode) -> PairedTests:
    """The comparisons of a run in one mode."""
    return PairedTests(run, mode)


def by_source(outcomes: Outcomes, key: str) -> dict[int, float]:
    """A measure by source: the mean of the source's edits that have a value."""
    known = np.isfinite(outcomes.values[key])
    sources, units = np.unique(outcomes.source[known], return_inverse=True)
    sums = np.bincount(units, outcomes.values[key][known].astype(np.float64))
    return dict(zip(sources.tolist(), (sums / np.bincount(units)).tolist(), strict=True))


def _corrected(found: Mapping[Key, Difference], family: Sequence[Key]) -> dict[Key, Compared]:
    ps = holm([found[key].p for key in family])
    return {key: Compared(replace(found[key], p=float(p))) for key, p in zip(family, ps, strict=True)}
