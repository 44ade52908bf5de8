"""Paired differences against scipy, and against what one can compute by hand."""

import numpy as np
import pytest
from scipy import stats

from bridgebench.eval.statistics.paired import differences, holm, sign_flips


def pair(first, second, sources=None, shares=False):
    sources = np.arange(len(first)) if sources is None else sources
    return differences({"a": [first], "b": [second]}, [sources], shares)["a", "b"]


def scipy_p(first, second, resamples=9999):
    def difference(x, y, axis):
        return x.mean(axis) - y.mean(axis)

    return stats.permutation_test(
        (first, second),
        difference,
        permutation_type="samples",
        n_resamples=resamples,
        vectorized=True,
        random_state=np.random.default_rng(1),  # as `rng=1`, which scipy 1.13 does not know
    ).pvalue


def test_few_sources_give_scipys_exact_p():
    random = np.random.default_rng(0)
    for n in (2, 5, 11):
        first, second = np.add(random.normal(size=(2, n)), [[0.8], [0]])
        assert pair(first, second).p == pytest.approx(scipy_p(first, second, np.inf), abs=1e-12)


def test_many_sources_give_scipys_p_up_to_the_draw():
    random = np.random.default_rng(1)
    for shift in (0.1, 0.3, 0.5):
        first, second = np.add(random.normal(size=(2, 80)), [[shift], [0]])
        found, expected = pair(first, second).p, scipy_p(first, second)
        assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / 9999) + 1e-4)


def test_ties_of_shares_count_as_scipy_counts_them():
    random = np.random.default_rng(2)
    first, second = (random.random((2, 12)) < 0.6).astype(float)
    assert pair(first, second).p == pytest.approx(scipy_p(first, second, np.inf), abs=1e-12)


def test_edits_of_a_source_are_flipped_together():
    """Scipy is given the means of the sources."""
    random = np.random.default_rng(3)
    first, second = random.normal(size=(2, 4, 9)) + random.normal(size=(2, 1, 9))
    found = pair(first.ravel(), second.ravel(), np.tile(np.arange(9), 4))
    assert found.p == pytest.approx(scipy_p(first.mean(0), second.mean(0), np.inf), abs=1e-12)
    assert (found.n, found.value) == (9, pytest.approx((first - second).mean()))


def test_of_several_cells_it_is_the_mean_of_their_differences():
    """Cells of other sizes and sources, with a gap: the difference of the means that a table shows."""
    random = np.random.default_rng(4)
    sources = [np.arange(30), np.arange(20, 60), np.arange(5)]
    a, b = ([random.normal(size=len(each)) for each in sources] for _ in range(2))
    a[0][3] = np.nan
    found = differences({"a": [*a[:2], None], "b": b}, sources)["a", "b"]
    assert found.value == pytest.approx((np.nanmean(a[0] - b[0]) + (a[1] - b[1]).mean()) / 2)
    assert found.n == 59
    # Cells of different sources are independent: their variances add up, however many sources each has.
    apart = differences({"a": a[1:], "b": b[1:]}, [sources[1], sources[2] + 100])["a", "b"]
    error = np.sqrt(sum(np.var(x - y) / len(x) for x, y in zip(a[1:], b[1:], strict=True))) / 2
    assert apart.high - apart.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_methods_that_agree_everywhere():
    same = np.ones(400)
    found = pair(same, same, shares=True)
    assert (found.value, found.p) == (0.0, 1.0)
    assert found.low == -found.high < -0.005  # 400 images leave room for a disagreement of half a percent
    assert pair(same, same).high == 0.0


def test_interval_of_shares_is_bonett_and_prices():
    """In closed form, with Student's quantile: of n pairs, `only_a` and `only_b` right by one method alone."""
    n, only_a, only_b = 60, 9, 2
    first, second = np.zeros((2, n))
    first[:only_a], second[-only_b:] = 1, 1
    p, q = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    reach = stats.t.ppf(0.975, n - 1) * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    found = pair(first, second, shares=True)
    assert (found.low, found.high) == (pytest.approx(p - q - reach), pytest.approx(p - q + reach))


def test_pairs_without_common_sources_are_left_out():
    nothing = np.full(4, np.nan)
    found = differences(
        {"a": [np.ones(4)], "b": [nothing], "c": [np.array([1, np.nan, np.nan, np.nan])]}, [np.arange(4)]
    )
    assert not found
    with pytest.raises(ValueError, match="3 sources"):
        differences({"a": [np.ones(4)], "b": [np.ones(4)]}, [np.arange(3)])


def test_the_same_every_time():
    parts = np.random.default_rng(5).normal(size=(40, 3))
    assert (sign_flips(parts) == sign_flips(parts)).all()


def test_holm_by_hand():
    """A worked example: four p-values times 4, 3, 2 and 1, never falling, at most 1."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == pytest.approx([1.0, 1.0])
    assert len(holm([])) == 0
