"""Intervals: what they must be where one knows, and that they cover the mean as often as they say."""

import numpy as np
import pytest

from bridgebench.eval.statistics import intervals
from bridgebench.eval.statistics.intervals import bootstrap, share


def test_near_the_normal_interval_at_large_n():
    values = np.random.default_rng(0).normal(3, 2, 2000)
    error = values.std() / np.sqrt(2000)
    low, high = bootstrap(values, seed=1, resamples=4000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


@pytest.mark.parametrize(("interval", "truth"), [(bootstrap, 0.7), (share, 0.7), (share, 0.985)])
def test_covers_the_mean_about_as_often_as_it_says(interval, truth):
    random = np.random.default_rng(2)
    covered = 0
    for seed in range(300):
        low, high = interval(random.random(100) < truth, seed, 400)
        covered += low <= truth <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_a_share_of_all_leaves_room_for_what_was_not_seen():
    """Wilson's bounds in closed form: of k = n of n, n / (n + z²)."""
    low, high = share([1.0] * 400, 0, 10)
    assert (low, high) == (pytest.approx(400 / (400 + 1.959964**2), abs=1e-6), 1.0)
    low, high = share([0.0] * 50, 0, 10)
    assert (low, high) == (0.0, pytest.approx(1.959964**2 / (50 + 1.959964**2), abs=1e-6))


def test_means_of_several_outputs_are_resampled():
    values = [0.0, 0.5, 1.0, 1.0]
    assert share(values, 3, 50) == bootstrap(values, 3, 50)


def test_seeded_and_independent_of_the_chunks(monkeypatch):
    values = np.random.default_rng(3).random(50)
    whole = bootstrap(values, 7, 200)
    assert whole == bootstrap(values, 7, 200) != bootstrap(values, 8, 200)
    monkeypatch.setattr(intervals, "_LARGEST_CHUNK", 1)
    assert bootstrap(values, 7, 200) == pytest.approx(whole)


def test_a_constant_has_no_width_and_no_values_have_none():
    assert bootstrap([0.5], 0, 10) == (0.5, 0.5)
    with pytest.raises(ValueError, match="needs values"):
        bootstrap([], 0, 10)
