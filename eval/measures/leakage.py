"""Leakage: how far an edit moves what it should have left alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import EDITING, STEPS, Edits, Family, MeasureCard, Record, Values

_FAMILY = Family("leakage", 3)  # 2: with its values by attribute; 3: half precision, Hall's interval


def leakage(
    source: Values, edited: Values, source_labels: NDArray, target_labels: NDArray, axis: Literal[0, 1] = 1
) -> Values:
    """The mean absolute change of a judge's probability, over attributes that the flip did not touch.

    Args:
        source, edited: the judge's probabilities (N, A) of the source and of the edited images, in [0, 1].
        source_labels, target_labels: (N, A) of 0 and 1; where they differ the flip touched an attribute.
        axis: 1: a mean for each image, over its attributes; 0: for each attribute, over the images.

    Returns:
        (N,) or (A,) in [0, 1]; NaN where the flip touched every attribute of the image, or every flip the attribute.
    """
    untouched = source_labels == target_labels
    change = np.where(untouched, np.abs(edited - source), 0.0).sum(axis=axis)
    counts = untouched.sum(axis=axis)
    return np.divide(change, counts, out=np.full(change.shape, np.nan), where=counts > 0)


def _by_name(edits: Edits) -> Record:
    """``{"values": {attribute: float, or None where every flip touched it}}``."""
    values = leakage(edits.before, edits.after, edits.source_labels, edits.target_labels, axis=0)
    found = zip(edits.reals.space.columns, values, strict=True)
    return {"values": {name: None if np.isnan(value) else float(value) for name, value in found}}


LEAKAGE = MeasureCard(
    key="leakage",
    family=_FAMILY,
    title="Leakage",
    about="Mean change of the judge's probability on the attributes that the flip did not touch.",
    spoken="leakage",
    of_cell=lambda edits: leakage(edits.before, edits.after, edits.source_labels, edits.target_labels),
    needs=("judge", "attributes"),
    kinds=(*EDITING, *STEPS),
    unmet="a conversion changes what every column says",
    without="the flip touches every attribute",
    unit="% points",
    better="lower",
    factor=100.0,
    shown=("rest", "overview", "variants", "terminal"),
)
# A number for each attribute: it is shown as a map and stands in no table of measures.
LEAKAGE_BY = MeasureCard(
    key="leakage_by",
    family=_FAMILY,
    title="Leakage by attribute",
    about="Mean change of the judge's probability of each attribute, over the images whose flip does not touch it.",
    of_cell=_by_name,
    needs=("judge", "attributes"),
    shown=(),
)
