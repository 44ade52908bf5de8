"""Accuracy: the share of edits whose edited attribute a judge reads as its target value (the paper's Table 1).

Where an edit flips several attributes, the joint accuracy asks that all of them are right; the accuracy of each is the
share of them that are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import ONE_FLIP, STEPS, Edits, Family, MeasureCard, Values

_FAMILY = Family("accuracy", 3)  # 2: with Wilson's interval; 3: with Hall's, for means of several outputs


def hits(present: NDArray[np.bool_], target_labels: NDArray, column: int) -> NDArray[np.bool_]:
    """For each edit (N,), whether the judge sees (`present`, (N, A)) the target value (N, A) in `column`."""
    return present[:, column] == (target_labels[:, column] == 1)


def accuracy(edits: Edits) -> NDArray[np.bool_]:
    """Whether the primary judge reads the target value of every flipped attribute, (P,)."""
    return _all_right(edits, edits.seen)


def accuracy_second(edits: Edits) -> NDArray[np.bool_]:
    """Whether the second judge reads the target value of every flipped attribute, (P,)."""
    return _all_right(edits, edits.seen_second)


def _all_right(edits: Edits, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return ((present == (edits.target_labels == 1)) | ~edits.flipped).all(axis=1)


def _share_right(edits: Edits, present: NDArray[np.bool_]) -> Values:
    """The share of the flipped attributes whose target value the judge reads, (P,)."""
    right = (present == (edits.target_labels == 1)) & edits.flipped
    return right.sum(axis=1) / edits.flipped.sum(axis=1)


def _of_direction(edits: Edits, value: int) -> Values:
    """:func:`accuracy` of the edits that give the attribute `value`, (P,); NaN for the others."""
    return np.where(edits.target == value, accuracy(edits), np.nan)


ACCURACY = MeasureCard(
    key="accuracy",
    family=_FAMILY,
    title="Accuracy",
    about="Share of edits that the judge reads as having the target value.",
    spoken="accuracy",
    of_cell=accuracy,
    needs=("judge",),
    kinds=(*ONE_FLIP, *STEPS),
    shares=True,
    unit="%",
    better="higher",
    factor=100.0,
    span=(0.0, 1.0),
    shown=("accuracy", "overview", "variants", "terminal"),
)
SECOND = replace(
    ACCURACY,
    key="accuracy_second",
    title="Accuracy, second judge",
    about="The same edits, read by a classifier of another seed and architecture that no method or control ever saw.",
    spoken="accuracy by the second judge",
    of_cell=accuracy_second,
)
ADDED = replace(
    ACCURACY,
    key="accuracy_added",
    title="Accuracy, attribute added",
    about="Only flips from 0 to 1.",
    spoken="",
    of_cell=lambda edits: _of_direction(edits, 1),
    needs=("judge", "attributes"),
    kinds=("flip",),
    without="no edit adds the attribute",
    shown=("accuracy",),
)
REMOVED = replace(
    ADDED,
    key="accuracy_removed",
    title="Accuracy, attribute removed",
    about="Only flips from 1 to 0.",
    of_cell=lambda edits: _of_direction(edits, 0),
    without="no edit removes the attribute",
)
JOINT = replace(
    ACCURACY,
    key="accuracy_joint",
    title="Joint accuracy",
    about="Share of edits in which the judge reads the target value of every flipped attribute.",
    spoken="joint accuracy",
    kinds=("several", "sequence"),
    shown=(),
)
JOINT_SECOND = replace(
    JOINT,
    key="accuracy_joint_second",
    title="Joint accuracy, second judge",
    about="Share of edits in which the second judge reads the target value of every flipped attribute.",
    spoken="joint accuracy by the second judge",
    of_cell=accuracy_second,
)
EACH = replace(
    JOINT,
    key="accuracy_each",
    title="Accuracy of each",
    about="Share of the flipped attributes whose target value the judge reads.",
    spoken="",
    of_cell=lambda edits: _share_right(edits, edits.seen),
    shares=False,
)
EACH_SECOND = replace(
    EACH,
    key="accuracy_each_second",
    title="Accuracy of each, second judge",
    about="Share of the flipped attributes whose target value the second judge reads.",
    of_cell=lambda edits: _share_right(edits, edits.seen_second),
)
