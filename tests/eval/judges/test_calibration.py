"""Calibration against scikit-learn, against counting by hand, and against judges whose calibration is known."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from bridgebench.eval.judges.calibration import BINS, calibration
from bridgebench.eval.judges.reading import Reading
from bridgebench.harness.train.judges.scores import calibration_record


def drawn(count: int = 4000, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels that are there as often as the probabilities say, which are then pushed from or to one half."""
    rng = np.random.default_rng(0)
    true = rng.uniform(0.02, 0.98, (count, 3))
    said = 1 / (1 + ((1 - true) / true) ** sharpness)
    return said, (rng.uniform(size=true.shape) < true).astype(np.uint8)


def test_scores_are_scikit_learns() -> None:
    said, labels = drawn()
    found = calibration(said, labels)
    for column in range(3):
        assert found.brier[column] == pytest.approx(brier_score_loss(labels[:, column], said[:, column]))
    observed, predicted = calibration_curve(labels.ravel(), said.ravel(), n_bins=BINS)
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.predicted, predicted)
    assert found.count.sum() == labels.size


def test_the_error_is_the_gap_weighted_by_count() -> None:
    """Of four answers: two of 0.9 of which one holds (gap 0.4), two of 0.1 of which none holds (gap 0.1)."""
    said, labels = np.array([[0.9], [0.9], [0.1], [0.1]]), np.array([[1], [0], [0], [0]])
    found = calibration(said, labels)
    assert found.error.tolist() == pytest.approx([(0.4 + 0.1) / 2])
    assert found.count.tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert np.isnan(found.predicted[0]) and found.observed[9] == 0.5


def test_who_is_too_sure_of_himself_is_found_out() -> None:
    honest, boastful = (calibration(*drawn(sharpness=sharpness)) for sharpness in (1.0, 3.0))
    assert (honest.error < 0.03).all() and (boastful.error > 0.08).all()
    assert boastful.observed[9] < boastful.predicted[9] - 0.05


def test_certain_answers_fall_into_the_last_bins() -> None:
    found = calibration(np.array([[0.0, 1.0]]), np.array([[0, 1]]))
    assert found.count[0] == found.count[9] == 1 and found.error.tolist() == found.brier.tolist() == [0, 0]


def test_the_record_is_json_by_attribute() -> None:
    logits = np.array([[10.0, -10.0], [10.0, 10.0]], dtype=np.float32)
    record = calibration_record(Reading(logits, np.zeros((2, 1), np.float32)), np.array([[1, 0], [1, 0]]), ("A", "B"))
    assert record["error"]["A"] == pytest.approx(0, abs=1e-3) and record["error"]["B"] == pytest.approx(0.5, abs=1e-3)
    assert record["bins"]["count"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    assert record["bins"]["observed"][1:9] == [None] * 8 and record["bins"]["observed"][9] == pytest.approx(2 / 3, 1e-3)
