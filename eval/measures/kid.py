"""The kernel distance of a cell, between the same images as its Fréchet distance.

The distance itself, its formula and its source are in ``eval/distances/kernel.py``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.distances.kernel import Kernel, cubic
from bridgebench.eval.distances.reals import Reals
from bridgebench.eval.measures.card import EDITING, Edits, Family, MeasureCard, Record
from bridgebench.eval.measures.fd import by_value, short_side

MINIMUM = 10  # sources and reals; the distance is unbiased at any N, so fewer do than for a Fréchet distance


def kid(edits: Edits) -> Record:
    """Σᵥ wᵥ · KID(edits to value v, real images with value v), wᵥ the share of the edits that give the value v.

    Each edit counts once, however many copies a method would give: equal images would bias the distance.

    Returns:
        ``{"value", "se", "n", "n_real"}``, ``se`` being the standard error; or ``{"value": None, "reason"}``.
    """
    return kernel_by_value(edits, edits.reals, np.arange(len(edits.features)))


def kid_matched(edits: Edits) -> Record:
    """The same against the matched real images: see :func:`eval.measures.fd.fd_matched`."""
    matched = edits.matched
    assert matched is not None
    return kernel_by_value(edits, matched, matched.edits)


def kernel_by_value(edits: Edits, reals: Reals, rows: NDArray[np.integer], kernel: Kernel = cubic) -> Record:
    """The distance of the edits `rows` to real images, under a kernel; see :func:`kid`."""
    column, sources, features = edits.common_column, edits.sources[rows], edits.features[rows]
    parts = by_value(column, edits.target[rows])
    different = {value: len(np.unique(sources[found])) for value, found in parts.items()}
    reason = short_side(reals, column, different, "sources", MINIMUM)
    if reason:
        return {"value": None, "reason": reason}
    weights = np.array([len(found) for found in parts.values()]) / len(features)
    pairs = np.array(
        [
            reals.kernel(column, value, kernel).distance(features[found], sources[found])
            for value, found in parts.items()
        ]
    )
    error = float(np.sqrt(np.square(weights * pairs[:, 1]).sum()))
    n_real = sum(reals.count(column, value) for value in parts)
    return {"value": float(weights @ pairs[:, 0]), "se": error, "n": len(features), "n_real": n_real}


KID_MATCHED = MeasureCard(
    key="kid_matched",
    # 3: of features in half precision; 4: to matched real images; 5: also of several flips and of added attributes
    family=Family("kid", 5),
    title="{kernel}, matched",
    about="Unbiased kernel distance between the same images as the matched Fréchet distance, with its standard error.",
    of_cell=kid_matched,
    needs=("features", "attributes", "matched"),
    kinds=EDITING,
    unit="in thousandths",
    better="lower",
    factor=1000.0,
    digits=2,
    shown=("distance",),
)
# Of flips, only records of older versions have it, as with FD_TARGET.
KID = replace(
    KID_MATCHED,
    key="kid",
    title="{kernel}",
    about="Unbiased kernel distance between the same images as the target distance, with its standard error.",
    of_cell=kid,
    needs=("features", "domains"),
)
