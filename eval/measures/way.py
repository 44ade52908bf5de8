"""The gap between an edit by label and an edit by reference, and the way between them.

A cell of the kind "way" has several edits of each image, from the edit by label to the edit by reference of the same
target. Distances are Euclidean, in the run's feature space.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.accuracy import accuracy_second
from bridgebench.eval.measures.card import Edits, Family, MeasureCard, Record, Values

_FAMILY = Family("way", 1)


def gap(edits: Edits) -> Values:
    """The distance of the two ends of each source's way, (N,)."""
    points = _points(edits)
    return np.linalg.norm(points[-1] - points[0], axis=1)


def path(edits: Edits) -> Values:
    """The length of each source's way over the distance of its ends, (N,), at least 1; NaN where the ends are equal."""
    points, ends = _points(edits), gap(edits)
    length = np.linalg.norm(np.diff(points, axis=0), axis=2).sum(axis=0)
    return np.divide(length, ends, out=np.full(len(ends), np.nan), where=ends > 0)


def monotone(edits: Edits) -> NDArray[np.bool_]:
    """Whether the second judge's probability of the target only rises or only falls along the way, (N,)."""
    steps = len(edits.steps)
    found = edits.after_second[edits.flipped].reshape(steps, -1)  # one column of each edit is flipped
    changes = np.diff(found, axis=0)
    return np.logical_or((changes >= 0).all(axis=0), (changes <= 0).all(axis=0))


def worst_accuracy(edits: Edits) -> Record:
    """``{"value", "n"}``: the accuracy by the second judge at the step where it is least."""
    right = accuracy_second(edits).reshape(len(edits.steps), -1)
    return {"value": float(right.mean(axis=1).min()), "n": right.shape[1]}


def _points(edits: Edits) -> NDArray[np.float64]:
    """The features (S, N, D) of the edits of all steps."""
    steps = len(edits.steps)
    return edits.features.astype(np.float64).reshape(steps, -1, edits.features.shape[1])


def _tiled(values: NDArray, edits: Edits) -> NDArray:
    """Values (N,) of the sources, given to each of their edits (P,)."""
    return np.tile(values, len(edits.steps))


GAP = MeasureCard(
    key="gap",
    family=_FAMILY,
    title="Gap",
    about="Feature distance of an edit by label to the edit by reference of the same image towards the same target.",
    spoken="gap between label and reference",
    of_cell=lambda edits: _tiled(gap(edits), edits),
    needs=("features",),
    kinds=("way",),
    of_way=True,
    digits=2,
    shown=(),
)
PATH = replace(
    GAP,
    key="path",
    title="Path",
    about="Length of the way from label to reference over the distance of its ends: 1 is a straight line.",
    spoken="",
    of_cell=lambda edits: _tiled(path(edits), edits) if len(edits.steps) > 2 else None,
    without="the two ends are equal",
    better="lower",
)
MONOTONE = replace(
    GAP,
    key="monotone",
    title="Monotone",
    about="Share of images for which the probability of the target only rises or only falls along the way.",
    spoken="",
    of_cell=lambda edits: _tiled(monotone(edits), edits) if len(edits.steps) > 2 else None,
    needs=("judge",),
    shares=True,
    unit="%",
    better="higher",
    factor=100.0,
    digits=1,
)
WORST = replace(
    MONOTONE,
    key="accuracy_worst_second",
    title="Worst accuracy on the way",
    about="Accuracy by the second judge at the step where it is least.",
    of_cell=worst_accuracy,
)
