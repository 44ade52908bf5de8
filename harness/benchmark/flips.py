"""The edits of the main cells: flips of an attribute, or conversions of a domain to another one.

For attributes, each of the first test images gets one edit that flips the attribute. For domains, each image of the
source domain is edited several times towards the target domain, as in StarGAN v2's protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridgebench.harness.benchmark.case import Case, nothing
from bridgebench.harness.benchmark.draws import deal_references, draw_references

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor


def flip_case(bench: Workbench, mode: str, attribute: str) -> Case:
    """The flips of an attribute: one of each of the first test images."""
    return _flip(bench, mode, attribute, bench.n, 0)


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


def conversion_case(bench: Workbench, mode: str, name: str, editor: Editor | None) -> Case:
    """The conversions of the images of a domain to another one, each image several times.

    Args:
        bench: the workbench.
        mode: "label" or "reference".
        name: the conversion, as in "cat2dog".
        editor: the method; None: a method that draws noise.
    """
    varied = mode == "reference" or editor is None or editor.card.stochastic
    source, target = bench.space.change(name)
    column = bench.space.index(target)
    sources, styles = bench.edited(source), bench.space.rows(bench.labels, target)
    outputs = bench.settings.outputs
    if not len(sources) or not len(styles):
        lacking = source if not len(sources) else target
        return nothing(bench, "flip", f"there is no test image of the domain {lacking}")
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
