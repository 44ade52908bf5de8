"""Chooses the matched real images of a cell: they have the labels that its edits aim at, and they show other people.

Cells have them whose edits lead to other labels: one flip, several at once or in sequence, and attributes added.

Drawings are drawn anew for these labels. Photos are chosen among the test photos that are neither edited nor
references: each edit gets a photo of its own, so that the labels differ as little as possible in total.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bridgebench.eval.distances.reals import MatchedReals
from bridgebench.eval.judges.networks import vectors
from bridgebench.eval.measures.card import EDITING, Record
from bridgebench.eval.measures.fd import distance_by_value
from bridgebench.eval.records.outcomes import MOST_FEATURES
from bridgebench.eval.records.protocol import hash_of
from bridgebench.eval.records.reals import RealsRecord
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.networks import SPACES

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.case import Case
    from bridgebench.harness.benchmark.workbench import Workbench

MOST_DIFFERING = 1  # labels in which a photo may differ from what the edit aims at
_NEVER = 1000.0  # the cost of a photo that may not be chosen


def has_matched(bench: Workbench, name: str) -> bool:
    """Whether the edits of a cell are held against matched real images: those that change labels to other labels."""
    return not bench.space.exclusive and bench.others.get(name, "flip") in EDITING


def matched_reals(bench: Workbench, mode: str, attribute: str) -> MatchedReals:
    """The matched real images of a cell, from the run directory; they are made and stored if they are not there."""
    path, key = _path(bench, mode, attribute), _key(bench, mode, attribute)
    found = RealsRecord.find(path, key)
    if found is None:
        found = _of_edits_by_label(bench, mode, attribute, key) or _made(bench, mode, attribute, key)
        found.write(path)
    features = found.features.astype(np.float32)
    seed = bench.settings.seed
    return MatchedReals(features, found.labels, bench.space, seed, found.edits, found.differing)


def matched_in_networks(bench: Workbench, mode: str, attribute: str) -> dict[str, MatchedReals]:
    """The matched real images of a cell in the spaces of DINOv2 and CLIP, as far as the profile names these."""
    names = [name for name in SPACES if name in bench.networks]
    if not names:
        return {}
    reals, case = matched_reals(bench, mode, attribute), case_of(bench, mode, attribute)
    images = bench.test.fresh(case.targets) if bench.test.has_truth else bench.images(_chosen(bench, case).images)
    rest = (reals.labels, bench.space, bench.settings.seed, reals.edits, reals.differing)
    return {name: MatchedReals(vectors(bench.networks[name], images), *rest) for name in names}


def null_of_matched(bench: Workbench, attribute: str) -> Record:
    """What an edit pays that does nothing: the distance of the sources themselves to the matched real images."""
    case, reals = case_of(bench, "label", attribute), matched_reals(bench, "label", attribute)
    sources, targets = case.sources[reals.edits], case.targets[reals.edits]
    features = bench.test_features[sources]
    return distance_by_value(reals, case.column, features, targets[:, case.column], bench.settings.minimum_n)


class Matches(NamedTuple):
    """K edits with a real image each: their indices, those of the images, and in how many labels the two differ."""

    edits: NDArray[np.int64]
    images: NDArray[np.int64]
    differing: NDArray[np.int64]


def assign(sources: NDArray, targets: NDArray, labels: NDArray) -> Matches:
    """Gives each edit a real image of its own, so that their labels differ as little as possible in total.

    An image has the target value of every label that its edit changes, and differs in one other label at most. Edits
    for which no such image is left get none.

    Args:
        sources, targets: labels (N, A) of the edits before and after, 0 or 1.
        labels: (M, A) of the real images.
    """
    differing = _differences(np.ones_like(targets), targets, labels)
    wrong = _differences(sources != targets, targets, labels)
    cost = np.where((wrong > 0) | (differing > MOST_DIFFERING), _NEVER, differing)
    edits, images = linear_sum_assignment(cost)
    fitting = cost[edits, images] < _NEVER
    edits, images = edits[fitting], images[fitting]
    return Matches(edits, images, differing[edits, images].astype(np.int64))


def _differences(columns: NDArray, targets: NDArray, labels: NDArray) -> NDArray[np.float64]:
    """(N, M): in how many of the (N, A) marked label columns each target (N, A) differs from each image (M, A)."""
    marked, wanted, had = (np.asarray(each, np.float64) for each in (columns, targets, labels))
    return (marked * wanted) @ (1 - had).T + (marked * (1 - wanted)) @ had.T


def _made(bench: Workbench, mode: str, attribute: str, key: str) -> RealsRecord:
    case = case_of(bench, mode, attribute)
    if bench.test.has_truth:
        features, labels, count = bench.extractor(bench.test.fresh(case.targets)), case.targets, len(case.targets)
        edits, differing = np.arange(count), np.zeros(count, np.int64)
    else:
        edits, images, differing = _chosen(bench, case)
        features, labels = bench.test_features[images], bench.labels[images]
    return RealsRecord(key, features.astype(np.float16), labels, edits.astype(np.int32), differing.astype(np.uint8))


def _chosen(bench: Workbench, case: Case) -> Matches:
    """The edits that have a real photo of their own, with its index among the test photos; no photo that is edited."""
    pool = np.setdiff1d(bench.real_pool, case.sources)
    found = assign(bench.labels[case.sources], case.targets, bench.labels[pool])
    return found._replace(images=pool[found.images])


def _of_edits_by_label(bench: Workbench, mode: str, attribute: str, key: str) -> RealsRecord | None:
    """The real images that the edits by label have, for edits by reference: these aim at the same labels."""
    if mode != "reference":
        return None
    found = RealsRecord.find(_path(bench, "label", attribute), _key(bench, "label", attribute))
    return None if found is None else replace(found, key=key)


def _key(bench: Workbench, mode: str, attribute: str) -> str:
    return hash_of(["reals", bench.protocol.hash, mode, attribute])


def _path(bench: Workbench, mode: str, attribute: str) -> Path:
    """Where the file lies; features of large spaces, such as Inception's, are no part of the records."""
    path = bench.run.reals_file(mode, attribute)
    small = bench.extractor.dimension <= MOST_FEATURES
    return path if small else bench.run.root / "cache" / path.relative_to(bench.run.root)
