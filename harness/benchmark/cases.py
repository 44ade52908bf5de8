"""Which edits a cell is made of: sources, target labels, references and draws, the same for every method.

Of attributes: each of the first images, its attribute flipped, once. Of domains, by StarGAN v2's protocol: each image
of the source domain, several times towards the target domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from bridgebench.harness.benchmark.draws import deal_references, draw_references
from bridgebench.methods.core.conversions import find_conversion, one_hot
from bridgebench.methods.core.flips import flip
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor

Rows = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """`outputs` edits of each of N sources: edit p is one of source p % N.

    Attributes:
        column: of the edited attribute, or of the target domain.
        sources: (P,) test images that are edited.
        targets: (P, A) their target labels.
        draws: (P,) which of several edits of its source each is.
        references: (P,) test images whose style is taken; None by label.
        outputs: edits of each source.
        copies: how often an edit counts, where a method would give so many equal ones.
        reason: why there is nothing to edit; the arrays are then empty or None.
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
        """Some of the edits."""
        references = None if self.references is None else self.references[rows]
        return Case(self.column, self.sources[rows], self.targets[rows], self.draws[rows], references)


def case_of(bench: Workbench, mode: str, name: str, editor: Editor | None = None) -> Case:
    """The edits of a cell.

    Args:
        bench: the workbench.
        mode: "label" or "reference".
        name: the attribute or conversion.
        editor: the method; None: as for most, which draw noise and move one attribute at a time.
    """
    if bench.conversions:
        varied = mode == "reference" or editor is None or editor.card.stochastic
        return _conversion(bench, mode, name, varied)
    return _flip(bench, mode, name, editor, bench.n, 0)


def redrawn(bench: Workbench, mode: str, attribute: str, editor: Editor, draw: int) -> Case:
    """The draw number `draw` of the first flips, for the diversity: other noise, another reference."""
    return _flip(bench, mode, attribute, editor, min(bench.n, bench.settings.diversity_images), draw)


def _flip(bench: Workbench, mode: str, attribute: str, editor: Editor | None, count: int, draw: int) -> Case:
    seed, ids, labels, attributes = bench.settings.seed, bench.test.ids, bench.labels, list(bench.attributes)
    column, sources = attributes.index(attribute), np.arange(count)
    targets = flip(labels[:count], attribute, attributes).astype(np.uint8)
    references, reason = None, None
    if mode == "reference":
        group = next((group for group in (editor.groups if editor else ()) if attribute in group), ())
        columns = [attributes.index(name) for name in group]
        references = draw_references(seed, ids, labels, column, sources, targets, draw, columns)
        if references is None:
            reason = f"some source has no reference: all {len(labels)} test images agree on {attribute}"
    return Case(column, sources, targets, np.full(count, draw), references, reason=reason)


def _conversion(bench: Workbench, mode: str, name: str, varied: bool) -> Case:
    conversion = find_conversion(name, bench.attributes)
    column = bench.attributes.index(conversion.target)
    sources, styles = bench.of_domain(conversion.source), bench.images_of_domain(conversion.target)
    outputs = bench.settings.outputs
    if not len(sources) or not len(styles):
        lacking = conversion.source if not len(sources) else conversion.target
        reason = f"there is no test image of the domain {lacking}"
        none = np.empty(0, np.int64)
        return Case(column, none, np.empty((0, len(bench.attributes)), np.uint8), none, None, reason=reason)
    given = outputs if varied else 1
    count = given * len(sources)
    references = deal_references(bench.settings.seed, name, styles, count) if mode == "reference" else None
    return Case(
        column,
        np.tile(sources, given),
        one_hot(conversion.target, bench.attributes, count),
        np.repeat(np.arange(given), len(sources)),
        references,
        outputs=given,
        copies=outputs // given,
    )
