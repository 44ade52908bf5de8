"""The edits of cells that probe a method: adding only, there and back, no change, strength, from label to reference.

The last four take few images, each with one random change of its own: a flip of an attribute, or another domain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from bridgebench.harness.benchmark.case import VARIED, Case, Step, nothing, references_of
from bridgebench.harness.benchmark.draws import seed_of
from bridgebench.harness.benchmark.kinds import ADDED, MIXES, STRENGTHS
from bridgebench.harness.benchmark.several import combinations

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor


def added_case(bench: Workbench, name: str) -> Case:
    """The official reference test of BridgeGAN: an attribute is only added, to images that lack it."""
    attribute = name.removesuffix(ADDED)
    column = bench.space.index(attribute)
    sources = np.flatnonzero(bench.labels[:, column] == 0)[: bench.settings.several.n]
    if not len(sources):
        return nothing(bench, "added", f"all {len(bench.labels)} test images have {attribute}")
    targets = bench.space.target(bench.labels[sources], attribute).astype(np.uint8)
    references = references_of(bench, sources, np.full(len(sources), column), targets)
    if references is None:
        return nothing(bench, "added", f"no possible reference has {attribute}")
    return Case(column, sources, targets, np.zeros(len(sources), np.int64), references, kind="added")


def round_trip_case(bench: Workbench, mode: str) -> Case:
    """A change and its way back. By reference, the way back has the source itself as its reference."""
    there = _one_change(bench, mode)
    if there.reason is not None:
        return replace(there, kind="round-trip")
    return replace(
        there,
        targets=bench.labels[there.sources].astype(np.uint8),
        references=None if there.references is None else there.sources,
        kind="round-trip",
        earlier=(Step(there.flipped, there.targets, there.references),),
    )


def null_case(bench: Workbench, mode: str) -> Case:
    """Edits to the labels that the images have. By reference, the reference is the one of the other probes."""
    if bench.space.exclusive and mode == "reference":
        return nothing(bench, "null", "a conversion by reference takes over the reference's look")
    case = _one_change(bench, mode)
    return replace(
        case,
        targets=bench.labels[case.sources].astype(np.uint8),
        several=np.zeros_like(case.flipped),
        kind="null",
    )


def strength_case(bench: Workbench, mode: str, editor: Editor | None) -> Case:
    """The same changes at several strengths; a strength beyond the method's range is left out."""
    if editor is None:
        return _repeated(_one_change(bench, mode), STRENGTHS, "strength")
    if editor.card.strength is None:
        return nothing(bench, "strength", f"{editor.card.title} takes no strength")
    highest = editor.card.strength[2]
    shares = tuple(share for share in STRENGTHS if editor.card.strength_at(share) <= highest)
    return _repeated(_one_change(bench, mode), shares, "strength")


def way_case(bench: Workbench, editor: Editor | None) -> Case:
    """The way from the edit by label to the edit by reference; only its two ends for a method without `mix`."""
    case = _one_change(bench, "reference")
    if editor is None:
        return _repeated(case, MIXES, "way")
    if "label" not in editor.card.modes:
        return nothing(bench, "way", f"{editor.card.title} has no edit by label")
    return _repeated(case, MIXES if "mix" in editor.options else (MIXES[0], MIXES[-1]), "way")


def _one_change(bench: Workbench, mode: str) -> Case:
    """One random change of each of the first test images (of domains: of the first of each)."""
    space, wanted = bench.space, bench.settings.probes.n
    if space.exclusive:
        each = -(-wanted // len(space.parts))
        sources = np.concatenate([bench.edited(part)[:each] for part in space.parts])
        columns = np.array([_other_domain(bench, source) for source in sources.tolist()], np.int64)
    else:
        chosen = combinations(bench, min(wanted, len(bench.labels)), 1)
        sources = np.array(sorted(chosen), np.int64)
        columns = np.array([chosen[source][0] for source in sources.tolist()], np.int64)
    if not len(sources):
        return nothing(bench, "flip", "no test image can be changed: all of them have the same labels")
    labels = bench.labels[sources]
    rows = [space.target(row, space.columns[column]) for row, column in zip(labels, columns.tolist(), strict=True)]
    targets = np.array(rows, np.uint8)
    references = references_of(bench, sources, columns, targets) if mode == "reference" else None
    if mode == "reference" and references is None:
        return nothing(bench, "flip", "some source has no reference")
    flipped = columns[:, None] == np.arange(len(space.columns))
    return Case(VARIED, sources, targets, np.zeros(len(sources), np.int64), references, several=flipped)


def _other_domain(bench: Workbench, source: int) -> int:
    others = np.flatnonzero(bench.labels[source] == 0)
    return int(others[seed_of("domain", bench.settings.seed, str(bench.test.ids[source])) % len(others)])


def _repeated(case: Case, shares: tuple[float, ...], kind: Literal["strength", "way"]) -> Case:
    """Each edit once for every share: all edits with the first share, then all with the second."""
    if case.reason is not None:
        return replace(case, kind=kind)
    rows = np.tile(np.arange(case.n), len(shares))
    return replace(case.take(rows), outputs=len(shares), kind=kind, shares=np.repeat(shares, case.n))
