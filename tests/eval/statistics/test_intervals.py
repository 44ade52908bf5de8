"""Intervals where one knows what they must be; how often they hold the mean is in test_simulations.py."""

import numpy as np
import pytest
from scipy import stats

from bridgebench.eval.statistics.intervals import mean, share


def test_without_skewness_it_is_students():
    half = np.random.default_rng(0).normal(size=30)
    values = np.concatenate([3 + half, 3 - half])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean(values) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_halls_function_of_both_bounds_is_students_quantile():
    """By the definition: g(t) = t + s t²/3 + s² t³/27 + s/6 of t = (mean - bound) / error."""
    values = np.random.default_rng(1).exponential(size=25)
    low, high = mean(values)
    skewness = stats.skew(values) / np.sqrt(25)
    for bound, quantile in ((low, stats.t.ppf(0.975, 24)), (high, stats.t.ppf(0.025, 24))):
        t = (values.mean() - bound) / stats.sem(values)
        assert t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6 == pytest.approx(quantile)
    assert high - values.mean() > values.mean() - low  # a long tail to the right may have been missed


def test_it_moves_with_unit_and_direction():
    values = np.random.default_rng(2).gamma(0.5, size=40)
    low, high = mean(values)
    assert mean(5 - 2 * values) == pytest.approx((5 - 2 * high, 5 - 2 * low))


def test_a_share_of_all_leaves_room_for_what_was_not_seen():
    """Wilson's bounds in closed form: of k = n of n, n / (n + z²)."""
    low, high = share([1.0] * 400)
    assert (low, high) == (pytest.approx(400 / (400 + 1.959964**2), abs=1e-6), 1.0)
    low, high = share([0.0] * 50)
    assert (low, high) == (0.0, pytest.approx(1.959964**2 / (50 + 1.959964**2), abs=1e-6))


def test_means_of_several_outputs_stay_within_shares():
    values = [1.0] * 18 + [0.9, 0.5]
    low, high = share(values)
    assert low == mean(values)[0] and high == 1.0 < mean(1 + np.array(values))[1] - 0.9
    assert share([0.5]) is None


def test_a_constant_has_no_width_and_one_value_has_no_interval():
    assert mean([0.5, 0.5]) == (0.5, 0.5)
    assert mean([0.5]) is None
    with pytest.raises(ValueError, match="needs values"):
        mean([])
