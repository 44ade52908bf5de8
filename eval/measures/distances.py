"""The distances of a cell: its edits against all real images, and against those that have the value edited to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bridgebench.eval.distances.reals import Reals
from numpy.typing import NDArray

KERNEL_MINIMUM = 10  # sources and reals; unbiased at any N, so fewer do than for a Fréchet distance

Distance = dict[str, Any]


def paper_distance(features: NDArray[np.float32], reals: Reals, minimum_n: int) -> Distance:
    """The Fréchet distance of all edits, features (N, D), to all reals: ``{"value", "n", "n_real"}``.

    With fewer than `minimum_n` on either side ``{"value": None, "reason"}``.
    """
    reason = too_few(minimum_n, edits=len(features), reals=reals.n)
    if reason:
        return {"value": None, "reason": reason}
    return {"value": reals.statistics().distance(features), "n": len(features), "n_real": reals.n}


def target_distances(
    features: NDArray[np.float32],
    target: NDArray,
    column: int,
    reals: Reals,
    minimum_n: int,
    *,
    copies: int = 1,
    sources: NDArray | None = None,
) -> dict[str, Distance]:
    """The distances of the edits to each value to the reals with that value, weighted by the number of edits.

    Args:
        features: of the edited images, (N, D).
        target: the value that each edit gives the attribute, (N,) of 0 and 1.
        column: of the attribute.
        reals: the real side.
        minimum_n: fewer images than this on either side: no Fréchet distance.
        copies: how often each edit counts, for a method that gives so many equal ones. The Fréchet distance is that of
            all copies; the kernel distance, which equal images would bias, takes each edit once.
        sources: which image each is an edit of, (N,), where some are of the same; the kernel distance minds it.

    Returns:
        ``fd_target`` and ``kid``: ``{"value", "n", "n_real"}``, ``kid`` with its standard error ``"se"``; or
        ``{"value": None, "reason"}``.
    """
    found: dict[str, Distance] = {}
    counts = {value: int((target == value).sum()) for value in (0, 1) if (target == value).any()}
    weights = np.array(list(counts.values())) / len(features)
    n_real = sum(reals.count(column, value) for value in counts)

    def edits(value: int, copies: int = 1) -> NDArray[np.float32]:  # one side at a time: of many images each is large
        return features[np.tile(np.flatnonzero(target == value), copies)]

    reason = _short_side(counts, "edits", column, reals, minimum_n)
    if reason:
        found["fd_target"] = {"value": None, "reason": reason}
    else:
        values = np.array([reals.statistics(column, value).distance(edits(value, copies)) for value in counts])
        found["fd_target"] = {"value": float(weights @ values), "n": copies * len(features), "n_real": n_real}
    of = np.arange(len(features)) if sources is None else sources
    different = {value: len(np.unique(of[target == value])) for value in counts}
    reason = _short_side(different, "sources", column, reals, KERNEL_MINIMUM)
    if reason:
        found["kid"] = {"value": None, "reason": reason}
    else:
        pairs = np.array([reals.kernel(column, value).distance(edits(value), of[target == value]) for value in counts])
        error = float(np.sqrt(np.square(weights * pairs[:, 1]).sum()))
        found["kid"] = {"value": float(weights @ pairs[:, 0]), "se": error, "n": len(features), "n_real": n_real}
    return found


def too_few(minimum: int, **counts: int) -> str | None:
    """Why there is no distance, or None: some side has fewer than `minimum` images (``edits=12, reals=400``)."""
    short = [f"{count} {side}" for side, count in counts.items() if count < minimum]
    return f"{' and '.join(short)}, fewer than {minimum}" if short else None


def _short_side(counts: Mapping[int, int], what: str, column: int, reals: Reals, minimum: int) -> str | None:
    for value, count in counts.items():
        reason = too_few(minimum, **{what: count, "reals": reals.count(column, value)})
        if reason:
            return f"{reals.space.columns[column]} = {value}: {reason}"
    return None
