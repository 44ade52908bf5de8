"""Ratios of sums: against the plain quotient, a bootstrap over sources, and simulated coverage and false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from bridgebench.eval.statistics import paired
from bridgebench.eval.statistics.paired import differences, differences_by_cell
from bridgebench.eval.statistics.ratios import amounts_of, linear, over_cells

SCALES = (0.02, 1.0, 5.0)  # of the units of three cells: what one edit changes little, another one a lot


def cells(random: np.random.Generator, n: int, count: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Units (3, n) and, for `count` methods, amounts (3, n), both hard or easy for a whole source."""
    hard = random.gamma(2, 0.5, n)
    units = np.array([scale * random.gamma(2, 0.5, n) for scale in SCALES])
    amounts = [units * random.normal(0.4, 0.3, (3, n)) - 0.1 * hard * random.gamma(1, 1, (3, n)) for _ in range(count)]
    return units, amounts


def test_the_linear_form_has_the_ratio_as_its_mean_and_gives_the_amounts_back() -> None:
    units, (amounts,) = cells(np.random.default_rng(0), 50)
    values = linear(amounts[0], units[0])
    assert values.mean() == pytest.approx(amounts[0].sum() / units[0].sum())
    assert amounts_of(values, units[0]) == pytest.approx(amounts[0])
    assert linear(units[0], units[0]) == pytest.approx(np.ones(50))
    assert np.isnan(linear(amounts[0], np.zeros(50))).all()


def test_over_cells_it_is_the_quotient_of_all_sums_and_no_mean_of_ratios() -> None:
    units, (amounts,) = cells(np.random.default_rng(1), 60)
    value, bounds, n = over_cells([*amounts], [*units], [np.arange(60)] * 3)
    assert value == pytest.approx(amounts.sum() / units.sum()) and n == 60 and bounds is not None
    assert abs(value - np.mean(amounts.sum(axis=1) / units.sum(axis=1))) > 0.5
    whole = over_cells([*units], [*units], [np.arange(60)] * 3)
    assert whole[0] == 1 and whole[1] == pytest.approx((1, 1))


@pytest.mark.parametrize("n", (30, 200))
def test_its_interval_holds_the_ratio(n: int) -> None:
    random = np.random.default_rng(n)
    many, (amounts,) = cells(random, 400_000)
    truth = amounts.sum() / many.sum()
    held = []
    for _ in range(1_500):
        units, (amounts,) = cells(random, n)
        bounds = over_cells([*amounts], [*units], [np.arange(n)] * 3)[1]
        assert bounds is not None
        held.append(bounds[0] <= truth <= bounds[1])
    assert 0.93 - 0.012 <= np.mean(held) <= 0.97 + 0.012


def test_a_difference_is_that_of_the_two_ratios_and_equal_methods_rarely_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paired, "FLIPS", 499)
    random, n = np.random.default_rng(2), 40
    alarms, held = [], []
    for _ in range(500):
        units, (first, second) = cells(random, n, 2)
        values = {"a": [*first], "b": [*second]}
        found = differences(values, [np.arange(n)] * 3, units=[*units])["a", "b"]
        assert found.value == pytest.approx((first.sum() - second.sum()) / units.sum())
        alarms.append(found.p < 0.05)
        held.append(found.low <= 0 <= found.high)
    noise = 2 * np.sqrt(0.05 * 0.95 / 500)
    assert np.mean(alarms) <= 0.05 + noise and 0.93 - noise <= np.mean(held) <= 0.97 + noise
    alone = differences_by_cell(values, [np.arange(n)] * 3, units=[*units])
    assert alone[1, ("a", "b")].value == pytest.approx((first[1].sum() - second[1].sum()) / units[1].sum())


def test_an_edit_that_one_method_lacks_takes_no_part() -> None:
    units, (first, second) = cells(np.random.default_rng(3), 20, 2)
    first[1, 5:] = np.nan
    found = differences({"a": [*first], "b": [second[0], second[1], None]}, [np.arange(20)] * 3, units=[*units])
    kept = [(first[0], second[0], units[0]), (first[1, :5], second[1, :5], units[1, :5])]
    total = sum(unit.sum() for _, _, unit in kept)
    assert found["a", "b"].value == pytest.approx(sum(a.sum() - b.sum() for a, b, _ in kept) / total)
