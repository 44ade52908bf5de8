"""Fréchet distances of a cell: its edits against matched real images, and against all real images.

The distance itself, its formula and its source are in ``eval/distances/frechet.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.distances.reals import Reals
from bridgebench.eval.measures.card import EDITING, ONE_FLIP, Edits, Family, MeasureCard, Record

# 2: of features in half precision; 3: to matched real images; 4: also where several attributes are flipped or added
_FAMILY = Family("fd", 4)


def fd_target(edits: Edits) -> Record:
    """Σᵥ wᵥ · FD(edits to value v, real images with value v), wᵥ the share of the edits that give the value v.

    Returns:
        ``{"value", "n", "n_real"}``, of all copies of the edits; or ``{"value": None, "reason"}``.
    """
    return distance_by_value(edits.reals, edits.column, edits.features, edits.target, edits.minimum_n, edits.copies)


def fd_matched(edits: Edits) -> Record:
    """The same against the matched real images, whose other labels are also those that the edits aim at.

    Edits that flip different columns are held against all their matched images at once.

    Returns:
        ``{"value", "n", "n_real", "differing"}``, of the edits that have a matched image: the last is the mean number
        of labels in which a real image differs from what its edit aims at. Or ``{"value": None, "reason"}``.
    """
    matched = edits.matched
    assert matched is not None
    of, column = matched.edits, edits.common_column
    found = distance_by_value(matched, column, edits.features[of], edits.target[of], edits.minimum_n)
    return found if found["value"] is None else {**found, "differing": float(matched.differing.mean())}


def distance_by_value(
    reals: Reals, column: int | None, features: NDArray[np.float32], target: NDArray, minimum_n: int, copies: int = 1
) -> Record:
    """Σᵥ wᵥ · FD(images that are to have value v, real images with value v) for the values v of a label column.

    Args:
        reals: the real side.
        column: the label column; None: there is only one distance, of all images to all real images.
        features: (P, D) of the images.
        target: (P,) of 0 and 1: the value that each image is to have; nobody looks at it without a column.
        minimum_n: with fewer images on either side there is no distance.
        copies: how often each image counts.

    Returns:
        ``{"value", "n", "n_real"}``, or ``{"value": None, "reason"}``.
    """
    parts = by_value(column, target)
    reason = short_side(reals, column, {value: len(found) for value, found in parts.items()}, "edits", minimum_n)
    if reason:
        return {"value": None, "reason": reason}
    weights = np.array([len(found) for found in parts.values()]) / len(features)
    # One side at a time: of many images each is large.
    values = np.array(
        [reals.statistics(column, value).distance(features[np.tile(found, copies)]) for value, found in parts.items()]
    )
    n_real = sum(reals.count(column, value) for value in parts)
    return {"value": float(weights @ values), "n": copies * len(features), "n_real": n_real}


def by_value(column: int | None, target: NDArray) -> dict[int, NDArray[np.intp]]:
    """The indices of the edits by the value (P,) that each is to have in a column; without a column all together."""
    if column is None:
        return {1: np.arange(len(target))} if len(target) else {}
    return {value: found for value in (0, 1) if len(found := np.flatnonzero(target == value))}


def fd_paper(edits: Edits) -> Record:
    """FD(all edits, all real images), as the paper's Table 2 has it.

    Returns:
        ``{"value", "n", "n_real"}``; with fewer than the minimum on either side ``{"value": None, "reason"}``.
    """
    count, reals = len(edits.features), edits.reals
    reason = too_few(edits.minimum_n, edits=count, reals=reals.n)
    if reason:
        return {"value": None, "reason": reason}
    return {"value": reals.statistics().distance(edits.features), "n": count, "n_real": reals.n}


def too_few(minimum: int, **counts: int) -> str | None:
    """Why there is no distance, or None: some side has fewer than `minimum` images (``edits=12, reals=400``)."""
    short = [f"{count} {side}" for side, count in counts.items() if count < minimum]
    return f"{' and '.join(short)}, fewer than {minimum}" if short else None


def short_side(reals: Reals, column: int | None, counts: Mapping[int, int], what: str, minimum: int) -> str | None:
    """The first value of a column for which :func:`too_few` finds a reason; `counts` of `what` are by value."""
    if not counts:
        return "no real image has the labels that an edit aims at"
    for value, count in counts.items():
        reason = too_few(minimum, **{what: count, "reals": reals.count(column, value)})
        if reason:
            return reason if column is None else f"{reals.space.columns[column]} = {value}: {reason}"
    return None


FD_MATCHED = MeasureCard(
    key="fd_matched",
    family=_FAMILY,
    title="{space}, matched",
    about=(
        "Images edited to a value against real images of other people that have the labels which the edits aim at, "
        "weighted over both values. It asks whether the edit is realistic and what was asked for."
    ),
    spoken="distance to matched images",
    of_cell=fd_matched,
    needs=("features", "attributes", "matched"),
    kinds=EDITING,
    better="lower",
    digits=2,
    distance=True,
    shown=("distance", "overview", "variants", "terminal"),
)
# Of flips, only records of older versions have it: it also measures how the other labels of real images are composed.
FD_TARGET = replace(
    FD_MATCHED,
    key="fd_target",
    title="{space}, target",
    about="Images edited to a value against all real images that have this value, weighted over both values.",
    about_conversions=(
        "All outputs of a conversion, several of each source, against all training images of the target domain."
    ),
    spoken="distance to the target's images",
    of_cell=fd_target,
    needs=("features", "domains"),
)
FD_PAPER = MeasureCard(
    key="fd_paper",
    family=_FAMILY,
    title="{space}, paper's protocol",
    about="Edited images against all real test images: it rewards doing nothing, as the row Identity shows.",
    spoken="distance by the paper's protocol",
    of_cell=fd_paper,
    needs=("features", "attributes"),
    kinds=ONE_FLIP,
    unmet="a conversion is held against images of its target domain alone",
    better="lower",
    digits=2,
    distance=True,
    shown=("distance",),
)
