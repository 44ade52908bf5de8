"""The kernel distance of a cell, between the same images as its Fréchet distance to the target.

The distance itself, its formula and its source are in ``eval/distances/kernel.py``.
"""

from __future__ import annotations

import numpy as np

from bridgebench.eval.measures.card import Edits, Family, MeasureCard, Record
from bridgebench.eval.measures.fd import short_side

MINIMUM = 10  # sources and reals; the distance is unbiased at any N, so fewer do than for a Fréchet distance


def kid(edits: Edits) -> Record:
    """Σᵥ wᵥ · KID(edits to value v, real images with value v), wᵥ the share of the edits that give the value v.

    Each edit counts once, however many copies a method would give: equal images would bias the distance.

    Returns:
        ``{"value", "se", "n", "n_real"}``, ``se`` being the standard error; or ``{"value": None, "reason"}``.
    """
    reals, column, sources = edits.reals, edits.column, edits.sources
    different = {value: len(np.unique(sources[found])) for value, found in edits.by_value.items()}
    reason = short_side(reals, column, different, "sources", MINIMUM)
    if reason:
        return {"value": None, "reason": reason}
    weights = np.array([len(found) for found in edits.by_value.values()]) / len(edits.features)
    pairs = np.array(
        [
            reals.kernel(column, value).distance(edits.features[found], sources[found])
            for value, found in edits.by_value.items()
        ]
    )
    error = float(np.sqrt(np.square(weights * pairs[:, 1]).sum()))
    n_real = sum(reals.count(column, value) for value in edits.by_value)
    return {"value": float(weights @ pairs[:, 0]), "se": error, "n": len(edits.features), "n_real": n_real}


KID = MeasureCard(
    key="kid",
    family=Family("kid", 3),  # 2: pairs of edits of one source are left out; 3: of features in half precision
    title="{kernel}",
    about="Unbiased kernel distance between the same images as the target distance, with its standard error.",
    of_cell=kid,
    needs=("features",),
    unit="in thousandths",
    better="lower",
    factor=1000.0,
    digits=2,
    shown=("distance",),
)
