"""The distances of a cell: its edits against all real images, and against those that have the value edited to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.reals import Reals

KERNEL_MINIMUM = 10  # images on each side; unbiased at any N, so fewer do than for a Fréchet distance


def distances(
    features: NDArray[np.float32], target: NDArray, column: int, reals: Reals, minimum_n: int
) -> dict[str, dict[str, Any]]:
    """The three distances of N edits.

    Args:
        features: of the edited images, (N, D).
        target: the value that each edit gives the attribute, (N,) of 0 and 1.
        column: of the attribute.
        reals: the real side.
        minimum_n: fewer images than this on either side: no Fréchet distance.

    Returns:
        ``fd_paper`` (all edits against all reals), ``fd_target`` and ``kid`` (the edits to each value against the reals
        with that value, weighted by the number of edits): ``{"value", "n", "n_real"}``, ``kid`` with its standard
        error ``"se"``; or ``{"value": None, "reason"}``.
    """
    found: dict[str, dict[str, Any]] = {}
    reason = too_few(minimum_n, edits=len(features), reals=reals.n)
    if reason:
        found["fd_paper"] = {"value": None, "reason": reason}
    else:
        found["fd_paper"] = {"value": reals.statistics().distance(features), "n": len(features), "n_real": reals.n}
    sides = [(value, features[target == value]) for value in (0, 1) if (target == value).any()]
    weights = np.array([len(edits) for _, edits in sides]) / len(features)
    size = {"n": len(features), "n_real": sum(reals.count(column, value) for value, _ in sides)}
    reason = _short_side(sides, column, reals, minimum_n)
    if reason:
        found["fd_target"] = {"value": None, "reason": reason}
    else:
        values = np.array([reals.statistics(column, value).distance(edits) for value, edits in sides])
        found["fd_target"] = {"value": float(weights @ values), **size}
    reason = _short_side(sides, column, reals, KERNEL_MINIMUM)
    if reason:
        found["kid"] = {"value": None, "reason": reason}
    else:
        pairs = np.array([reals.kernel(column, value).distance(edits) for value, edits in sides])
        error = float(np.sqrt(np.square(weights * pairs[:, 1]).sum()))
        found["kid"] = {"value": float(weights @ pairs[:, 0]), "se": error, **size}
    return found


def too_few(minimum: int, **counts: int) -> str | None:
    """Why there is no distance, or None: some side has fewer than `minimum` images (``edits=12, reals=400``)."""
    short = [f"{count} {side}" for side, count in counts.items() if count < minimum]
    return f"{' and '.join(short)}, fewer than {minimum}" if short else None


def _short_side(sides: list[tuple[int, NDArray[np.float32]]], column: int, reals: Reals, minimum: int) -> str | None:
    for value, edits in sides:
        reason = too_few(minimum, edits=len(edits), reals=reals.count(column, value))
        if reason:
            return f"{reals.attributes[column]} = {value}: {reason}"
    return None
