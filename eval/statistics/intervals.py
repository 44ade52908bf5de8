"""95 % intervals of means over images: Wilson's (1927) for shares, Hall's (1992) for all other values.

Images are the unit: if an image has several values, their mean comes in here. Both intervals were chosen by how often
they hold the true mean, which tests/eval/statistics/test_simulations.py simulates for 20 to 400 images:

- Wilson's, if each image is either right or wrong. Resampling fails there: if 400 of 400 images are right, it draws
  only right ones, as if no image could ever be wrong.
- Hall's, if not. The values of most measures are skewed: many small ones and a few large ones. The percentile bootstrap
  and Student's interval then hold the mean too rarely (87 % and 89 % of the time with 20 values from a gamma
  distribution of shape 1/2, where Hall's holds it 94 % of the time).

A Fréchet distance has no interval, because its estimate is biased by an amount that depends on the number of images
(eval/PROTOCOL.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, t

LEVEL = 0.95

Bounds = tuple[float, float]


def share(values: ArrayLike) -> Bounds | None:
    """The 95 % interval (low, high) of the mean of `values` (N,), N ≥ 1, each in [0, 1].

    Wilson's interval if all values are 0 or 1. If some are in between, like means of several outputs, it is that of
    `mean`, cut to [0, 1].

    Raises:
        ValueError: no values.
    """
    data = _checked(values)
    if np.isin(data, (0.0, 1.0)).all():
        found = binomtest(int(data.sum()), len(data)).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)
    bounds = mean(data)
    return bounds and (max(bounds[0], 0.0), min(bounds[1], 1.0))


def mean(values: ArrayLike) -> Bounds | None:
    """The 95 % interval (low, high) of the mean of `values` (N,), N ≥ 1; None of one value, which has no spread.

    Student's t of a skewed sample is skewed itself. Hall's cubic function takes most of its skewness away and can be
    inverted (Hall, 1992, "On the removal of skewness by transformation"), so that Student's quantiles fit again.
    Without skewness the interval is Student's.

    Raises:
        ValueError: no values.
    """
    data = _checked(values)
    count = len(data)
    if count == 1:
        return None
    centre = data.mean()
    apart = data - centre
    variance = np.square(apart).mean()
    if variance == 0:
        return float(centre), float(centre)
    error = np.sqrt(variance / (count - 1))
    skewness = (apart**3).mean() / variance**1.5 / np.sqrt(count)  # of the mean, not of one value
    bound = t.ppf((1 + LEVEL) / 2, count - 1)
    return float(centre - error * _unskewed(bound, skewness)), float(centre - error * _unskewed(-bound, skewness))


def _unskewed(quantile: float, skewness: float) -> float:
    """The t at which Hall's g(t) = t + s t²/3 + s² t³/27 + s/6 is the quantile."""
    if abs(skewness) < 1e-6:  # the limit is the quantile itself, and the formula divides by s
        return quantile
    return float(3 / skewness * (np.cbrt(1 + skewness * (quantile - skewness / 6)) - 1))


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not len(data):
        raise ValueError(f"an interval needs values (N ≥ 1,), not of shape {data.shape}")
    return data
