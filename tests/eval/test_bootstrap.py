"""The bootstrap interval: what it must be where one knows, and that it covers the mean as often as it says."""

import numpy as np
import pytest

from eval import bootstrap
from eval.bootstrap import interval


def test_near_the_normal_interval_at_large_n():
    values = np.random.default_rng(0).normal(3, 2, 2000)
    error = values.std() / np.sqrt(2000)
    low, high = interval(values, seed=1, resamples=4000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


def test_covers_the_mean_about_as_often_as_it_says():
    random = np.random.default_rng(2)
    covered = 0
    for seed in range(300):
        low, high = interval(random.random(100) < 0.7, seed, 400)
        covered += low <= 0.7 <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_seeded_and_independent_of_the_chunks(monkeypatch):
    values = np.random.default_rng(3).random(50)
    whole = interval(values, 7, 200)
    assert whole == interval(values, 7, 200) != interval(values, 8, 200)
    monkeypatch.setattr(bootstrap, "_LARGEST_CHUNK", 1)
    assert interval(values, 7, 200) == pytest.approx(whole)


def test_a_constant_has_no_width_and_no_values_have_none():
    assert interval([0.5], 0, 10) == (0.5, 0.5)
    with pytest.raises(ValueError, match="needs values"):
        interval([], 0, 10)
