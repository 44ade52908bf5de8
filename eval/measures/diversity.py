"""Diversity: how different several edits of one image are, in a feature space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import Edits, Family, MeasureCard, Record

_BATCH = 16  # images whose pairs are held at once


def diversity(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean Euclidean distance of the features of all pairs of edits of one image.

    Args:
        features: of k ≥ 2 edits of each of M images, (M, k, D).

    Returns:
        (M,), 0 where all edits are the same.

    Raises:
        ValueError: fewer than two edits an image.
    """
    count = features.shape[1]
    if count < 2:
        raise ValueError("diversity needs at least two edits of an image")
    first, second = np.triu_indices(count, k=1)
    means = []
    for start in range(0, len(features), _BATCH):
        chunk = features[start : start + _BATCH].astype(np.float64)
        means.append(np.linalg.norm(chunk[:, first] - chunk[:, second], axis=2).mean(axis=1))
    return np.concatenate(means)


def _of_cell(edits: Edits) -> Record | None:
    """``{"value", "n", "draws"}``, of the draws or else of the outputs; None where each source has one edit only."""
    draws, sources = edits.draws, len(edits.features) // edits.outputs
    if draws is None and edits.outputs > 1:
        draws = edits.features.reshape(edits.outputs, sources, -1).swapaxes(0, 1)
    if draws is not None:
        values = diversity(draws)
        return {"value": float(values.mean()), "n": len(values), "draws": draws.shape[1]}
    if edits.copies > 1:
        return {"value": 0.0, "n": sources, "draws": edits.copies}
    return None


DIVERSITY = MeasureCard(
    key="diversity",
    family=Family("diversity", 2),  # 2: of features in half precision
    title="Diversity",
    about="Mean pairwise feature distance of several edits of one image.",
    of_cell=_of_cell,
    needs=("features",),
    kinds=("flip",),
    digits=2,
)
