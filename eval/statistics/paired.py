"""Compares methods on the same images: the difference of two means, its 95 % interval, and whether it is real.

Two methods edit the same images in the same way, so their values are compared image by image. What makes an image hard
for both of them then cancels, and a difference shows that the overlap of two intervals hides.

Edits of one source depend on each other: its flips of several attributes, and its several outputs. The source is
therefore the unit of the interval and of the test. All its edits together are one *part* of the difference, and the
parts of all sources add up to it.

- The test is a permutation test. If two methods are equally good, each part may as well have the other sign. p is the
  share of random signs that give a difference at least as far from 0. `scipy.stats.permutation_test` with
  ``permutation_type="samples"`` does the same for one comparison; this module does hundreds at once.
- The interval is Hall's (see `eval/statistics/intervals.py`). Where each edit is right or wrong it is Bonett and
  Price's (2012) instead: two more edits are thought of, one that only the first method gets right, and one that only
  the second does. If two methods agree on 400 of 400 images the interval still has a width.
- The difference of two ratios of sums (`eval/statistics/ratios.py`) is that of their amounts over the same units. The
  amounts of a source change sides in the test, its units stay; the interval is that of the ratio in linear form.
- Who looks at many differences finds a large one by chance. `holm` corrects their p for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from bridgebench.eval.statistics import intervals
from bridgebench.eval.statistics.intervals import LEVEL, Bounds

Array = NDArray[np.float64]
Key = TypeVar("Key")

ALPHA = 0.05  # a difference is called real if its corrected p is below this
FLIPS = 19_999  # random signs; the smallest p is 1 / 20,000, so that Holm's correction of 900 comparisons can reach 5 %
_CHUNK = 2_000  # random signs in memory at once


@dataclass(frozen=True)
class Difference:
    """The first method's mean minus the second's, in the unit of the measure.

    Attributes:
        value: the difference; of several cells, the mean of the cells' differences.
        low, high: its 95 % interval.
        p: of the permutation test, in (0, 1], not corrected.
        n: sources that both methods have a value for.
    """

    value: float
    low: float
    high: float
    p: float
    n: int


def differences(
    values: Mapping[str, Sequence[ArrayLike | None]],
    sources: Sequence[ArrayLike],
    shares: bool = False,
    units: Sequence[ArrayLike] | None = None,
) -> dict[tuple[str, str], Difference]:
    """The differences of all pairs of methods, over the edits that both have a value for.

    Args:
        values: by method, its values (P,) in each cell, NaN where an edit has none; None for a cell that it lacks.
        sources: (P,) of each cell: which source each edit is of. It is the same for all methods.
        shares: whether each value is 0 or 1.
        units: (P,) of each cell, if the values are the amounts of a ratio of sums: what they are held against. The
            difference is then that of the two ratios, over all cells together.

    Returns:
        By pair of names, in the order of `values`. A pair with fewer than two sources in common is left out.

    Raises:
        ValueError: values and sources are not of the same length.
    """
    cells, count = _numbered(sources)
    return _tested(
        {pair: _parts(values[pair[0]], values[pair[1]], cells, count, units) for pair in combinations(values, 2)},
        shares,
    )


def differences_by_cell(
    values: Mapping[str, Sequence[ArrayLike | None]],
    sources: Sequence[ArrayLike],
    shares: bool = False,
    units: Sequence[ArrayLike] | None = None,
) -> dict[tuple[int, tuple[str, str]], Difference]:
    """The same as `differences` in each cell alone, by the cell's number and the pair of names."""
    cells, count = _numbered(sources)
    parts = {
        (number, pair): _parts(
            [values[pair[0]][number]], [values[pair[1]][number]], [cell], count, units and [units[number]]
        )
        for number, cell in enumerate(cells)
        for pair in combinations(values, 2)
    }
    return _tested(parts, shares)


def sign_flips(parts: ArrayLike, seed: int = 0) -> Array:
    """The permutation tests' p (M,), two-sided, of `parts` (N, M): M differences, each the sum of N sources' parts.

    All 2ᴺ signs are tried if they are at most 20,000, else 19,999 random ones and the signs as they are.
    """
    data = np.asarray(parts, dtype=np.float64)
    # Sums that are equal in theory may differ in their last digits.
    reached = np.abs(data.sum(axis=0)) - 1e-10 * np.abs(data).sum(axis=0)
    if 2 ** len(data) <= FLIPS + 1:
        signs = np.array([*product((1.0, -1.0), repeat=len(data))])
        return np.asarray((np.abs(signs @ data) >= reached).mean(axis=0))
    random = np.random.default_rng(seed)
    hits = np.ones(data.shape[1])
    for start in range(0, FLIPS, _CHUNK):
        signs = random.integers(0, 2, (min(_CHUNK, FLIPS - start), len(data)), dtype=np.int8) * 2.0 - 1.0
        hits += (np.abs(signs @ data) >= reached).sum(axis=0)
    return hits / (FLIPS + 1)


def holm(ps: ArrayLike) -> Array:
    """Holm's (1979) corrected p (M,) of M comparisons: with it, at most 5 % of tables name any difference wrongly."""
    data = np.asarray(ps, dtype=np.float64)
    order = np.argsort(data, kind="stable")
    steps = np.maximum.accumulate(data[order] * np.arange(len(data), 0, -1))
    corrected = np.empty_like(data)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


@dataclass(frozen=True)
class _Parts:
    """A difference by sources.

    Attributes:
        of_sources: (N,) the part of each source; they add up to the difference.
        around: (N,) the same of the values' distances to the mean of their cell; they add up to 0.
        has: (N,) whether the source has a value.
        heaviest: the largest part that one edit can have, of a difference of 1.
    """

    of_sources: Array
    around: Array
    has: NDArray[np.bool_]
    heaviest: float

    @property
    def n(self) -> int:
        """Sources that have a value."""
        return int(self.has.sum())

    def interval(self, shares: bool) -> Bounds:
        """The 95 % interval of the difference, of at least two sources."""
        each = self.n * self.around[self.has] + self.of_sources.sum()  # the mean of these is the difference
        if not shares:
            bounds = intervals.mean(each)
            assert bounds is not None
            return bounds
        more = self.n * self.heaviest
        each = np.append(each, (more, -more))
        reach = t.ppf((1 + LEVEL) / 2, self.n - 1) * each.std() / np.sqrt(len(each))
        return max(float(each.mean() - reach), -1.0), min(float(each.mean() + reach), 1.0)


def _numbered(sources: Sequence[ArrayLike]) -> tuple[list[NDArray], int]:
    """The sources (P,) of each cell as numbers from 0, and how many different ones there are."""
    whole = [np.asarray(each) for each in sources]
    names, numbers = np.unique(np.concatenate(whole), return_inverse=True)
    return np.split(numbers, np.cumsum([len(each) for each in whole])[:-1]), len(names)


def _tested(kept: Mapping[Key, _Parts | None], shares: bool) -> dict[Key, Difference]:
    known = {key: parts for key, parts in kept.items() if parts is not None and parts.n > 1}
    if not known:
        return {}
    ps = sign_flips(np.stack([parts.of_sources for parts in known.values()], axis=1))
    found = {}
    for (key, parts), p in zip(known.items(), ps, strict=True):
        low, high = parts.interval(shares)
        found[key] = Difference(float(parts.of_sources.sum()), low, high, float(p), parts.n)
    return found


def _parts(
    first: Sequence[ArrayLike | None],
    second: Sequence[ArrayLike | None],
    cells: Sequence[NDArray],
    count: int,
    units: Sequence[ArrayLike] | None,
) -> _Parts | None:
    """The difference by the `count` sources; None if no edit has both values.

    Each cell has the same weight, whatever the number of its edits. Of a ratio of sums (`units`) each edit has.
    """
    apart = [
        np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
        if one is not None and other is not None
        else np.full(len(numbers), np.nan)
        for one, other, numbers in zip(first, second, cells, strict=True)
    ]
    for values, numbers in zip(apart, cells, strict=True):
        if values.shape != numbers.shape:
            raise ValueError(f"values of shape {values.shape} for edits of {len(numbers)} sources")
    against = [np.ones(len(numbers)) for numbers in cells] if units is None else [np.asarray(unit) for unit in units]
    held = [
        (values[there], numbers[there], unit[there])
        for values, numbers, unit in zip(apart, cells, against, strict=True)
        if len(there := np.flatnonzero(~np.isnan(values)))
    ]
    total = sum(unit.sum(dtype=np.float64) for _, _, unit in held)
    if not held or total == 0:
        return None
    # What is 1 / total in a ratio is, in a mean, the share of the edit in its cell and of the cell among the cells.
    weights = np.concatenate(
        [np.full(len(values), 1 / total if units is not None else 1 / len(values) / len(held)) for values, _, _ in held]
    )
    numbers, values = (np.concatenate([one[place] for one in held]) for place in (1, 0))
    ratio = 0.0 if units is None else values.sum() / total
    residuals = [values - ratio * unit for values, _, unit in held]
    centred = np.concatenate([each - each.mean() for each in residuals])
    has = np.bincount(numbers, minlength=count) > 0
    of_sources, around = (_summed(numbers, weights * amounts, count) for amounts in (values, centred))
    return _Parts(of_sources, around, has, weights.max())


def _summed(numbers: NDArray, amounts: Array, count: int) -> Array:
    """The sum of the amounts (P,) of each of `count` sources, (count,)."""
    return np.bincount(numbers, amounts, count).astype(np.float64)
