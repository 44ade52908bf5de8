"""Fréchet distances of a cell: its edits against the real images with the value edited to, and against all real images.

The distance itself, its formula and its source are in ``eval/distances/frechet.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bridgebench.eval.distances.reals import Reals
from bridgebench.eval.measures.card import Edits, Family, MeasureCard, Record

_FAMILY = Family("fd", 2)  # 2: of features in half precision


def fd_target(edits: Edits) -> Record:
    """Σᵥ wᵥ · FD(edits to value v, real images with value v), wᵥ the share of the edits that give the value v.

    Returns:
        ``{"value", "n", "n_real"}``, of all copies of the edits; or ``{"value": None, "reason"}``.
    """
    reals, column = edits.reals, edits.column
    reason = short_side(reals, column, {v: len(found) for v, found in edits.by_value.items()}, "edits", edits.minimum_n)
    if reason:
        return {"value": None, "reason": reason}
    weights = np.array([len(found) for found in edits.by_value.values()]) / len(edits.features)
    # One side at a time: of many images each is large.
    values = np.array(
        [
            reals.statistics(column, value).distance(edits.features[np.tile(found, edits.copies)])
            for value, found in edits.by_value.items()
        ]
    )
    n_real = sum(reals.count(column, value) for value in edits.by_value)
    return {"value": float(weights @ values), "n": edits.copies * len(edits.features), "n_real": n_real}


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


def short_side(reals: Reals, column: int, counts: Mapping[int, int], what: str, minimum: int) -> str | None:
    """The first value of a column for which :func:`too_few` finds a reason; `counts` of `what` are by value."""
    for value, count in counts.items():
        reason = too_few(minimum, **{what: count, "reals": reals.count(column, value)})
        if reason:
            return f"{reals.space.columns[column]} = {value}: {reason}"
    return None


FD_TARGET = MeasureCard(
    key="fd_target",
    family=_FAMILY,
    title="{space}, target",
    about=(
        "Images edited to a value against real images that have this value, weighted over both values. Real faces with "
        "a mustache are mostly men: an edit that moves such companions along can come closer than the true edit, so "
        "read this beside leakage."
    ),
    about_conversions=(
        "All outputs of a conversion, several of each source, against all training images of the target domain."
    ),
    spoken="distance to the target's images",
    of_cell=fd_target,
    needs=("features",),
    better="lower",
    digits=2,
    distance=True,
    shown=("distance", "overview", "variants", "terminal"),
)
FD_PAPER = MeasureCard(
    key="fd_paper",
    family=_FAMILY,
    title="{space}, paper's protocol",
    about="Edited images against all real test images: it rewards doing nothing, as the row Identity shows.",
    spoken="distance by the paper's protocol",
    of_cell=fd_paper,
    needs=("features", "attributes"),
    unmet="a conversion is held against images of its target domain alone",
    better="lower",
    digits=2,
    distance=True,
    shown=("distance",),
)
