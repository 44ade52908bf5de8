"""Ratios of two sums over images, such as skill: the sum of some amounts over the sum of some units.

A ratio of sums weighs each image by its unit. A mean of the images' own ratios would not: an image whose unit is near 0
would decide it. The same holds for several cells: their common ratio is the sum of all amounts over that of all units.

A ratio has a linear form, a value for each edit: ratio + (amount − ratio · unit) / mean unit. The mean of these values
is the ratio, and their spread knows that amounts and units of one image go together: where all amounts equal their
units, the ratio is 1 ± 0. (It is the first-order form of survey statistics: Cochran, 1977, "Sampling Techniques", 6.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgebench.eval.statistics import intervals
from bridgebench.eval.statistics.intervals import Bounds

Array = NDArray[np.float64]


def linear(amounts: ArrayLike, units: ArrayLike) -> Array:
    """The values (P,) of P edits in linear form, from their amounts and units (P,); NaN if all units are 0."""
    parts, whole = np.asarray(amounts, np.float64), np.asarray(units, np.float64)
    unit = whole.mean()
    if unit == 0:
        return np.full(len(whole), np.nan)
    ratio = parts.mean() / unit
    return ratio + (parts - ratio * whole) / unit


def amounts_of(values: ArrayLike, units: ArrayLike) -> Array:
    """The amounts (P,) of a cell again, from its values in linear form and its units (P,)."""
    found, whole = np.asarray(values, np.float64), np.asarray(units, np.float64)
    ratio = found.mean()
    return ratio * whole + (found - ratio) * whole.mean()


def over_cells(
    amounts: Sequence[ArrayLike], units: Sequence[ArrayLike], sources: Sequence[ArrayLike]
) -> tuple[float, Bounds | None, int]:
    """The ratio of several cells together, its 95 % interval (Hall's), and the number of sources.

    The source is the unit of the interval: all its edits in all cells depend on each other. Which cells there are is no
    chance, so what differs between the means of cells is not counted as spread.

    Args:
        amounts, units: (P,) of each cell, P ≥ 1; the sum of all units is not 0.
        sources: (P,) of each cell: which source each edit is of.
    """
    parts, whole = ([np.asarray(each, np.float64) for each in one] for one in (amounts, units))
    total = sum(each.sum() for each in whole)
    ratio = sum(each.sum() for each in parts) / total
    apart = [(one - ratio * unit) / total for one, unit in zip(parts, whole, strict=True)]
    centred = np.concatenate([each - each.mean() for each in apart])
    _, at = np.unique(np.concatenate([np.asarray(each) for each in sources]), return_inverse=True)
    around = np.bincount(at, centred)
    bounds = intervals.mean(len(around) * around + ratio)
    return float(ratio), bounds, len(around)
