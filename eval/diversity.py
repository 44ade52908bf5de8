"""Diversity: how different several edits of one image are, in a feature space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eval.features import Extractor


def diversity(draws: NDArray[np.uint8], extractor: Extractor) -> NDArray[np.float64]:
    """The mean Euclidean distance of the features of all pairs of edits of one image.

    Args:
        draws: k ≥ 2 edits of each of M images, uint8 (M, k, H, W, 3).
        extractor: the feature space.

    Returns:
        (M,), 0 where all edits are the same.

    Raises:
        ValueError: fewer than two edits an image.
    """
    images, count = draws.shape[:2]
    if count < 2:
        raise ValueError("diversity needs at least two edits of an image")
    features = extractor(draws.reshape(-1, *draws.shape[2:])).astype(np.float64).reshape(images, count, -1)
    first, second = np.triu_indices(count, k=1)
    return np.linalg.norm(features[:, first] - features[:, second], axis=2).mean(axis=1)
