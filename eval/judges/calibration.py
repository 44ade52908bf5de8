"""Calibration of a classifier: of the attributes that it calls 80 % likely, 80 % should be present."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """How well probabilities agree with the labels of N images, for each of A attributes and in bins over all.

    Attributes:
        error: (A,) expected calibration error in [0, 1]: the distance between the mean probability and the
            share of present ones in bins of equal width, weighted by the counts of the bins (Guo et al., 2017, eq. 3,
            for the probability of presence).
        brier: (A,) Brier score in [0, 1]: the mean squared difference of probability and label. A classifier
            that always says 0.5 has 0.25.
        count: (BINS,) number of answers in each tenth of the probability range, for all attributes together.
        predicted: (BINS,) mean probability of the answers in each bin; NaN for an empty bin.
        observed: (BINS,) share of the answers in each bin whose attribute is present; NaN for an empty bin.
    """

    error: NDArray[np.float64]
    brier: NDArray[np.float64]
    count: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]


def calibration(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Calibration:
    """The calibration of probabilities (N, A) in [0, 1] against labels (N, A) with values 0 and 1."""
    errors = []
    for column in range(labels.shape[1]):
        count, predicted, observed = _reliability(probabilities[:, column], labels[:, column])
        full = count > 0
        errors.append(float(np.abs(predicted - observed)[full] @ count[full] / count.sum()))
    brier = ((probabilities - labels) ** 2).mean(axis=0, dtype=np.float64)
    return Calibration(np.array(errors), brier, *_reliability(probabilities.ravel(), labels.ravel()))


def _reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Count, mean probability and share of ones in each bin; a bin includes its lower edge, the last bin both edges."""
    place = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    predicted, observed = (np.bincount(place, values, minlength=BINS) for values in (probabilities, labels))
    empty = np.where(count > 0, count, np.nan)
    return count, predicted / empty, observed / empty
