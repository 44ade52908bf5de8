"""Precision, recall, density and coverage against the package of their authors, and by hand."""

import numpy as np
import pytest

from bridgebench.eval.distances import neighbours as module
from bridgebench.eval.distances.neighbours import NEAREST, neighbours


@pytest.mark.parametrize(("count", "real", "shift"), [(60, 90, 0.0), (90, 60, 1.0), (40, 40, 3.0)])
def test_equals_the_package_prdc(count: int, real: int, shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    prdc = pytest.importorskip("prdc")
    random = np.random.default_rng(count)
    a, b = random.normal(size=(real, 8)), random.normal(size=(count, 8)) * 0.8 + shift / 3
    expected = prdc.compute_prdc(a, b, NEAREST)
    assert neighbours(a, b)._asdict() == pytest.approx(expected)
    monkeypatch.setattr(module, "_BLOCK", 500)  # in many blocks
    assert neighbours(a, b)._asdict() == pytest.approx(expected)


def test_one_side_on_itself_and_two_far_apart() -> None:
    a = np.random.default_rng(0).normal(size=(50, 4))
    same, apart = neighbours(a, a), neighbours(a, a + 100)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert apart == (0, 0, 0, 0)


def test_too_few_or_unequal_features_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 6"):
        neighbours(np.zeros((5, 2)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match="dimension"):
        neighbours(np.zeros((9, 2)), np.zeros((9, 3)))
