"""Leakage: how far an edit moves what it should have left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bridgebench.eval.measures.card import Edits, Family, MeasureCard, Record
from numpy.typing import NDArray

_FAMILY = Family("leakage", 2)  # 2: with its values by attribute


def leakage(
    source: NDArray[np.float64], edited: NDArray[np.float64], source_labels: NDArray, target_labels: NDArray
) -> NDArray[np.float64]:
    """The mean absolute change of a judge's probability over the attributes that the flip did not touch.

    Args:
        source, edited: the judge's probabilities (N, A) of the source and of the edited images, in [0, 1].
        source_labels, target_labels: (N, A) of 0 and 1; where they differ the flip touched an attribute.

    Returns:
        (N,) in [0, 1]; NaN where the flip touched every attribute.
    """
    return _mean_change(source, edited, source_labels, target_labels, axis=1)


def leakage_by(
    source: NDArray[np.float64], edited: NDArray[np.float64], source_labels: NDArray, target_labels: NDArray
) -> NDArray[np.float64]:
    """The same by attribute: the mean absolute change of each probability over the images whose flip left it alone.

    Args:
        source, edited, source_labels, target_labels: as for :func:`leakage`.

    Returns:
        (A,) in [0, 1]; NaN where every flip touched the attribute.
    """
    return _mean_change(source, edited, source_labels, target_labels, axis=0)


def _mean_change(
    source: NDArray[np.float64],
    edited: NDArray[np.float64],
    source_labels: NDArray,
    target_labels: NDArray,
    axis: int,
) -> NDArray[np.float64]:
    untouched = source_labels == target_labels
    change = np.where(untouched, np.abs(edited - source), 0.0).sum(axis=axis)
    counts = untouched.sum(axis=axis)
    return np.divide(change, counts, out=np.full(change.shape, np.nan), where=counts > 0)


def _by_name(edits: Edits) -> Record:
    """``{"values": {attribute: float, or None where every flip touched it}}``."""
    values = leakage_by(edits.before, edits.after, edits.source_labels, edits.target_labels)
    found = zip(edits.reals.attributes, values, strict=True)
    return {"values": {name: None if np.isnan(value) else float(value) for name, value in found}}


LEAKAGE = MeasureCard(
    key="leakage",
    family=_FAMILY,
    title="Leakage",
    about="Mean change of the judge's probability on the attributes that the flip did not touch.",
    spoken="leakage",
    of_cell=lambda edits: leakage(edits.before, edits.after, edits.source_labels, edits.target_labels),
    needs=("judge", "attributes"),
    unmet="a conversion changes what every column says",
    without="the flip touches every attribute",
    unit="% points",
    better="lower",
    factor=100.0,
    shown=("rest", "overview", "variants", "terminal"),
)
# A number for each attribute: it is shown as a map and stands in no table of measures.
LEAKAGE_BY = replace(
    LEAKAGE,
    key="leakage_by",
    title="Leakage by attribute",
    about="Mean change of the judge's probability of each attribute, over the images whose flip does not touch it.",
    spoken="",
    of_cell=_by_name,
    unmet="",
    shown=(),
)
