"""The edits of cells that flip several attributes: at once, or one after the other.

Each source has its own combination of attributes, drawn by a seed made of the protocol's seed, the image's id and the
number of attributes, such that no flip of the combination undoes or repairs another one. Or all sources have the pair
of attributes that the cell is named after, as in the paper's Figure 12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.benchmark.case import VARIED, Case, Step, nothing, references_of
from bridgebench.harness.benchmark.draws import best_references, seed_of
from bridgebench.harness.benchmark.kinds import PAIR, REVERSED, count_of
from bridgebench.methods.core.labels import LabelSpace

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench


def several_case(bench: Workbench, mode: str, name: str) -> Case:
    """The edits that flip several attributes at once.

    By reference, one image shows the target values of all of them. Where no test image does, the reference is one of
    those that show the most of them.
    """
    count = min(bench.settings.several.n, len(bench.labels))
    chosen = _pairs(bench, name, count) if PAIR in name else combinations(bench, count, count_of(name))
    if not chosen:
        return nothing(bench, "several", f"no test image can have {name.replace('-', ' ')}: the label rules forbid it")
    sources = np.array(sorted(chosen))
    flipped = _mask(bench.space, [chosen[source] for source in sources.tolist()])
    targets = _targets(bench, bench.labels[sources], [chosen[source] for source in sources.tolist()])
    references = None
    if mode == "reference":
        seed, ids, pool = bench.settings.seed, bench.test.ids, bench.reference_pool
        references = best_references(seed, ids, bench.labels, pool, sources, flipped, targets)
    draws = np.zeros(len(sources), np.int64)
    return Case(VARIED, sources, targets, draws, references, kind="several", several=flipped)


def sequence_case(bench: Workbench, mode: str, name: str) -> Case:
    """The edits that flip the same attributes as the cell of several flips, one after the other.

    Each step starts from the output of the step before. By reference, each step has an image of its own, that which
    the source has as its reference in the cell of that attribute.
    """
    chosen = combinations(bench, min(bench.settings.several.n, len(bench.labels)), count_of(name))
    if not chosen:
        return nothing(bench, "sequence", "the label rules allow no such combination of attributes")
    sources = np.array(sorted(chosen))
    order = [chosen[source] if not name.endswith(REVERSED) else chosen[source][::-1] for source in sources.tolist()]
    steps, labels = [], bench.labels[sources]
    for columns in zip(*order, strict=True):
        one: list[tuple[int, ...]] = [(column,) for column in columns]
        labels = _targets(bench, labels, one)
        references = references_of(bench, sources, np.array(columns), labels) if mode == "reference" else None
        steps.append(Step(_mask(bench.space, one), labels, references))
    *earlier, last = steps
    return Case(
        VARIED,
        sources,
        last.targets,
        np.zeros(len(sources), np.int64),
        last.references,
        kind="sequence",
        several=_mask(bench.space, order),
        earlier=tuple(earlier),
    )


def combinations(bench: Workbench, count: int, k: int) -> dict[int, tuple[int, ...]]:
    """For each of the first `count` test images that have one, k columns that can be flipped together, in order.

    A column of which the references show one value only is never chosen, so that both modes flip the same columns.
    """
    values = bench.labels[bench.reference_pool]
    usable = np.flatnonzero((values.min(axis=0) == 0) & (values.max(axis=0) == 1))
    found = {}
    for source in range(count):
        seed = seed_of("several", bench.settings.seed, str(bench.test.ids[source]), k)
        order = np.random.default_rng(seed).permutation(usable).tolist()
        columns = compatible(bench.space, bench.labels[source], order)[:k]
        if len(columns) == k:
            found[source] = columns
    return found


def compatible(space: LabelSpace, labels: NDArray, order: list[int]) -> tuple[int, ...]:
    """The columns of `order` that can be flipped together: each is taken unless it clashes with one taken before.

    Two flips clash if the rules bind the other attribute to a value after one of them (the first turns an attribute on
    that excludes the other, or implies it): setting the other one would be a repair.
    """
    taken: list[int] = []
    bound = {
        column: set(map(space.index, space.bound(space.columns[column], bool(labels[column] == 0)))) for column in order
    }
    for column in order:
        if not any(column in bound[other] or other in bound[column] for other in taken):
            taken.append(column)
    return tuple(taken)


def _pairs(bench: Workbench, name: str, count: int) -> dict[int, tuple[int, ...]]:
    columns = tuple(bench.space.index(attribute) for attribute in name.split(PAIR))
    found = {source: compatible(bench.space, bench.labels[source], list(columns)) for source in range(count)}
    return {source: flips for source, flips in found.items() if flips == columns}


def _targets(bench: Workbench, labels: NDArray, columns: list[tuple[int, ...]]) -> NDArray[np.uint8]:
    """The labels (P, A) after the flips of each row's columns."""
    rows = []
    for row, flips in zip(labels, columns, strict=True):
        for column in flips:
            row = bench.space.target(row, bench.space.columns[column])
        rows.append(row)
    return np.array(rows, np.uint8)


def _mask(space: LabelSpace, columns: list[tuple[int, ...]]) -> NDArray[np.bool_]:
    return np.array([np.isin(np.arange(len(space.columns)), flips) for flips in columns])
