"""Accuracy, identity and other measures by who is in the picture: by sex, by age, and by skin where it is known.

An edit belongs to the group of its source. What the edit changes does not move it to another group: a woman who is
edited to look like a man counts among the women.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.statistics.intervals import mean, share

SKINS = ("light skin", "medium skin", "dark skin")  # as the outcomes' group "skin" numbers them
# For each label column that makes groups: the sort, and the names of those who lack and who have the label.
_BY_LABEL = {"Male": ("sex", ("women", "men")), "Young": ("age", ("older", "young"))}


@dataclass(frozen=True)
class Subgroup:
    """A measure over the edits of some sources.

    Attributes:
        sort: "sex", "age" or "skin".
        name: e.g. "women".
        value: the mean over the sources, each with the mean of its edits; None where no edit has a value.
        low, high: its 95 % interval; None with fewer than two sources that have a value.
        n: sources that have a value.
    """

    sort: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int


def subgroups(
    cells: Sequence[Outcomes], columns: Sequence[str], key: str = "accuracy_second", shares: bool = False
) -> list[Subgroup]:
    """A measure of one method by groups of sources, over all edits of some cells.

    Args:
        cells: the outcomes of the cells, all of one run.
        columns: names of the label columns; groups that need another column are left out.
        key: of a measure that gives a value for each edit.
        shares: whether each value is 0 or 1, so that the interval is a share's.

    Returns:
        For each sort of group, its groups in order; groups without a source are among them, with n = 0. A sort that
        some cell does not know (skin, of photos) is left out. Empty if no cell has the measure.
    """
    known = [cell for cell in cells if key in cell.values]
    if not known:
        return []
    values = np.concatenate([cell.values[key] for cell in known]).astype(np.float64)
    sources = np.concatenate([cell.source for cell in known])
    found = []
    for sort, names, numbers in _sorts(known, columns):
        for number, name in enumerate(names):
            rows = (numbers == number) & ~np.isnan(values)
            found.append(_subgroup(sort, name, values[rows], sources[rows], shares))
    return found


def _sorts(cells: Sequence[Outcomes], columns: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...], NDArray]]:
    """For each sort of group: its name, the groups' names, and the number of each edit's group, (P,) of all cells."""
    for column, (sort, names) in _BY_LABEL.items():
        if column in columns:
            at = list(columns).index(column)
            yield sort, names, np.concatenate([cell.source_labels[:, at] for cell in cells])
    if all("skin" in cell.groups for cell in cells):
        yield "skin", SKINS, np.concatenate([cell.groups["skin"] for cell in cells])


def _subgroup(sort: str, name: str, values: NDArray[np.float64], sources: NDArray, shares: bool) -> Subgroup:
    if not len(values):
        return Subgroup(sort, name, None, None, None, 0)
    _, at = np.unique(sources, return_inverse=True)
    means = np.bincount(at, values) / np.bincount(at)
    bounds = (share if shares else mean)(means) if len(means) > 1 else None
    low, high = bounds or (None, None)
    return Subgroup(sort, name, float(means.mean()), low, high, len(means))
