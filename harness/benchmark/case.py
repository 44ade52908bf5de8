"""What the edits of a cell are: sources, target labels, references and draws, the same for every method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.record import CellKind
from bridgebench.harness.benchmark.draws import draw_references

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench

Rows = slice | NDArray[np.int64]
VARIED = -1  # as a case's column: the edits flip different columns


@dataclass(frozen=True)
class Step:
    """An edit that comes before the last one, where a cell edits each image several times in a row.

    Attributes:
        flipped: (P, A) bool, the columns that it flips.
        targets: (P, A) its target labels.
        references: (P,) indices of the test images used as references; None for label edits.
    """

    flipped: NDArray[np.bool_]
    targets: NDArray[np.uint8]
    references: NDArray[np.int64] | None

    def take(self, rows: Rows) -> Step:
        """A step of the selected edits only."""
        references = None if self.references is None else self.references[rows]
        return Step(self.flipped[rows], self.targets[rows], references)


@dataclass(frozen=True)
class Case:
    """The edits of a cell: `outputs` edits for each of N sources. Edit p belongs to source p % N.

    Attributes:
        column: label column of the edited attribute, or of the target domain; VARIED: see `several`.
        sources: (P,) indices of the test images that are edited.
        targets: (P, A) target labels of the edits.
        draws: (P,) number of each edit among the edits of its source; it decides the latent vector.
        references: (P,) indices of the test images used as references; None for label edits.
        outputs: number of edits of each source.
        copies: how many times each edit counts, where a method would produce that many identical edits.
        reason: why there is nothing to edit (the arrays are then empty or None); None if there are edits.
        kind: what the edits do.
        several: (P, A) bool, the columns that each edit flips, repairs aside; None: `column` alone.
        earlier: the edits that come before, one after the other; each starts from the output of the one before.
        shares: (P,) how far each edit goes, in a cell of the kind "strength" or "way"; None elsewhere.
    """

    column: int
    sources: NDArray[np.int64]
    targets: NDArray[np.uint8]
    draws: NDArray[np.int64]
    references: NDArray[np.int64] | None
    outputs: int = 1
    copies: int = 1
    reason: str | None = None
    kind: CellKind = "flip"
    several: NDArray[np.bool_] | None = None
    earlier: tuple[Step, ...] = ()
    shares: NDArray[np.float64] | None = None

    @property
    def n(self) -> int:
        """The number of sources."""
        return len(self.sources) // self.outputs

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """(P, A): the columns that each edit flips, repairs aside; of a conversion the target domain."""
        if self.several is not None:
            return self.several
        return np.broadcast_to(np.arange(self.targets.shape[1]) == self.column, self.targets.shape)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All edits of each image in a row, the last one included."""
        return (*self.earlier, Step(self.flipped, self.targets, self.references))

    def take(self, rows: Rows) -> Case:
        """A case with the selected edits only."""
        return replace(
            self,
            sources=self.sources[rows],
            targets=self.targets[rows],
            draws=self.draws[rows],
            references=None if self.references is None else self.references[rows],
            outputs=1,
            copies=1,
            several=None if self.several is None else self.several[rows],
            earlier=tuple(step.take(rows) for step in self.earlier),
            shares=None if self.shares is None else self.shares[rows],
        )


def nothing(bench: Workbench, kind: CellKind, reason: str) -> Case:
    """A case without edits, and why."""
    none = np.empty(0, np.int64)
    targets = np.empty((0, len(bench.attributes)), np.uint8)
    return Case(VARIED, none, targets, none, None, reason=reason, kind=kind)


def references_of(
    bench: Workbench, sources: NDArray[np.int64], columns: NDArray[np.int64], targets: NDArray[np.uint8]
) -> NDArray[np.int64] | None:
    """For each source an image that has the target's value in the source's own column; None if some source has none.

    Args:
        bench: the workbench.
        sources: (M,) indices of the source images.
        columns: (M,) the column that is flipped in each.
        targets: (M, A) labels after the flip.
    """
    found = np.empty(len(sources), np.int64)
    for column in set(columns.tolist()):
        rows = np.flatnonzero(columns == column)
        seed, ids, pool = bench.settings.seed, bench.test.ids, bench.reference_pool
        drawn = draw_references(seed, ids, bench.labels, pool, column, sources[rows], targets[rows])
        if drawn is None:
            return None
        found[rows] = drawn
    return found
