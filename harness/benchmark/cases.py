"""Chooses the edits of a cell: sources, target labels, references and draws, the same for every method.

For attributes, each of the first test images gets one edit that flips the attribute. For domains, each image of the
source domain is edited several times towards the target domain, as in StarGAN v2's protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.benchmark.draws import deal_references, draw_references

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor

Rows = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """The edits of a cell: `outputs` edits for each of N sources. Edit p belongs to source p % N.

    Attributes:
        column: label column of the edited attribute, or of the target domain.
        sources: (P,) indices of the test images that are edited.
        targets: (P, A) target labels of the edits.
        draws: (P,) number of each edit among the edits of its source.
        references: (P,) indices of the test images used as references; None for label edits.
        outputs: number of edits of each source.
        copies: how many times each edit counts, where a method would produce that many identical edits.
        reason: why there is nothing to edit (the arrays are then empty or None); None if there are edits.
    """

    column: int
    sources: NDArray[np.int64]
    targets: NDArray[np.uint8]
    draws: NDArray[np.int64]
    references: NDArray[np.int64] | None
    outputs: int = 1
    copies: int = 1
    reason: str | None = None

    @property
    def n(self) -> int:
        """The number of sources."""
        return len(self.sources) // self.outputs

    def take(self, rows: Rows) -> Case:
        """A case with the selected edits only."""
        references = None if self.references is None else self.references[rows]
        return Case(self.column, self.sources[rows], self.targets[rows], self.draws[rows], references)


def case_of(bench: Workbench, mode: str, name: str, editor: Editor | None = None) -> Case:
    """The edits of a cell.

    Args:
        bench: the workbench.
        mode: "label" or "reference".
        name: the attribute or conversion.
        editor: the method; None: the edits of most methods, which draw noise.
    """
    if bench.space.exclusive:
        varied = mode == "reference" or editor is None or editor.card.stochastic
        return _conversion(bench, mode, name, varied)
    return _flip(bench, mode, name, bench.n, 0)


def redrawn(bench: Workbench, mode: str, attribute: str, draw: int) -> Case:
    """The first flips again, as draw number `draw`: with other noise or another reference, to measure diversity."""
    return _flip(bench, mode, attribute, min(bench.n, bench.settings.diversity_images), draw)


def _flip(bench: Workbench, mode: str, attribute: str, count: int, draw: int) -> Case:
    seed, ids, labels, attributes = bench.settings.seed, bench.test.ids, bench.labels, list(bench.attributes)
    column, sources = attributes.index(attribute), np.arange(count)
    targets = bench.space.target(labels[:count], attribute).astype(np.uint8)
    references, reason = None, None
    if mode == "reference":
        pool = bench.reference_pool
        references = draw_references(seed, ids, labels, pool, column, sources, targets, draw)
        if references is None:
            reason = f"some source has no reference: all {len(pool)} possible references agree on {attribute}"
    return Case(column, sources, targets, np.full(count, draw), references, reason=reason)


def _conversion(bench: Workbench, mode: str, name: str, varied: bool) -> Case:
    source, target = bench.space.change(name)
    column = bench.space.index(target)
    sources, styles = bench.edited(source), bench.space.rows(bench.labels, target)
    outputs = bench.settings.outputs
    if not len(sources) or not len(styles):
        lacking = source if not len(sources) else target
        reason = f"there is no test image of the domain {lacking}"
        none = np.empty(0, np.int64)
        return Case(column, none, np.empty((0, len(bench.attributes)), np.uint8), none, None, reason=reason)
    given = outputs if varied else 1
    count = given * len(sources)
    references = deal_references(bench.settings.seed, name, styles, count) if mode == "reference" else None
    edited = np.tile(sources, given)
    return Case(
        column,
        edited,
        bench.space.target(bench.labels[edited], target).astype(np.uint8),
        np.repeat(np.arange(given), len(sources)),
        references,
        outputs=given,
        copies=outputs // given,
    )
