"""Leakage: how far an edit moves what it should have left alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
    untouched = source_labels == target_labels
    change = np.where(untouched, np.abs(edited - source), 0.0).sum(axis=1)
    counts = untouched.sum(axis=1)
    return np.divide(change, counts, out=np.full(len(change), np.nan), where=counts > 0)


def leakage_by(
    source: NDArray[np.float64], edited: NDArray[np.float64], source_labels: NDArray, target_labels: NDArray
) -> NDArray[np.float64]:
    """The same by attribute: the mean absolute change of each probability over the images whose flip left it alone.

    Args:
        source, edited, source_labels, target_labels: as for :func:`leakage`.

    Returns:
        (A,) in [0, 1]; NaN where every flip touched the attribute.
    """
    untouched = source_labels == target_labels
    change = np.where(untouched, np.abs(edited - source), 0.0).sum(axis=0)
    counts = untouched.sum(axis=0)
    return np.divide(change, counts, out=np.full(change.shape, np.nan), where=counts > 0)
