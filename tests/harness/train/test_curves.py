"""Training curves: few points, and the whole run in them."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from bridgebench.harness.train.curves import MOST, Curves


def test_a_short_run_is_kept_as_it_is() -> None:
    curves = Curves()
    curves.note(20, {"d": 3.0})
    curves.note(40, {"d": 2.0, "g": 1.23456})
    assert curves.record() == {"iterations": [20, 40], "losses": {"d": [3.0, 2.0], "g": [None, 1.235]}}


@pytest.mark.parametrize("count", [99, 100, 101, 1000, 12_345])
def test_a_long_run_is_condensed_and_loses_nothing(count: int) -> None:
    curves = Curves()
    for i in range(1, count + 1):
        curves.note(20 * i, {"loss": float(i)})
    record = curves.record()
    assert MOST / 2 <= len(record["iterations"]) <= MOST
    assert record["iterations"][-1] == 20 * count
    whole_points = curves.stride * sum(losses["loss"] for _, losses in curves.points)
    assert whole_points + sum(losses["loss"] for _, losses in curves.pending) == pytest.approx(count * (count + 1) / 2)


def test_they_go_on_after_a_checkpoint() -> None:
    whole, first = Curves(), Curves()
    for i in range(150):
        whole.note(i, {"loss": i % 7})
        first.note(i, {"loss": i % 7})
    second = Curves(**asdict(first))
    for i in range(150, 333):
        whole.note(i, {"loss": i % 7})
        second.note(i, {"loss": i % 7})
    assert second == whole
