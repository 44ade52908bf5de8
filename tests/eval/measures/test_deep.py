"""CMMD against its formula written out, and the distances of a cell in the space of a network."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from bridgebench.eval.distances.kernel import KernelReal
from bridgebench.eval.measures.deep import gaussian


def test_cmmd_is_the_unbiased_estimate_of_jayasumana_et_al() -> None:
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(40, 6)) + 0.5, random.normal(size=(30, 6))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = (side / np.linalg.norm(side, axis=1)[:, None] for side in (a, b))
        return np.exp(-cdist(a, b, "sqeuclidean") / (2 * 10**2))

    def within(side: np.ndarray) -> float:
        values = kernel(side, side)
        return (values.sum() - np.trace(values)) / (len(side) * (len(side) - 1))

    expected = within(real) + within(fake) - 2 * kernel(real, fake).mean()
    value, error = KernelReal(real, kernel=gaussian).distance(fake)
    assert value == pytest.approx(expected, rel=1e-8) and 0 < error < value
    # The authors' code keeps the pairs of an image with itself; the difference is known.
    theirs = kernel(real, real).mean() + kernel(fake, fake).mean() - 2 * kernel(real, fake).mean()
    assert theirs - value == pytest.approx((1 - within(real)) / 40 + (1 - within(fake)) / 30, rel=1e-6)
