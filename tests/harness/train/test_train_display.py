"""The speed and the time left that a training run shows are those of its last minute."""

from __future__ import annotations

import pytest

from bridgebench.harness.train.checkpoint import Progress
from bridgebench.harness.train.display import Display


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def lines(clock, capsys, stretches, total):
    """What is printed by a run of (iterations, iterations a second) stretches, batches of 10."""
    progress = Progress()
    display = Display(total, progress, 10, None)
    for count, per_second in stretches:
        for _ in range(count):
            clock[0] += 1 / per_second
            progress.iteration += 1
            progress.images += 10
            display.show(progress, {"loss": 1.0})
    return capsys.readouterr().out.splitlines()


def test_an_even_run(clock, capsys):
    found = lines(clock, capsys, [(1000, 2.0)], total=1600)
    assert " · 20 images/s · " in found[1]
    assert "iteration 977/1600 · 20 images/s · 5 min left" in found[-1]


def test_a_fast_warm_up_is_forgotten_after_a_minute(clock, capsys):
    found = lines(clock, capsys, [(3000, 20.0), (200, 0.5)], total=3500)
    assert " · 200 images/s · " in found[3]
    assert " · 5 images/s · " in found[-1]
    assert " · 10 min left · " in found[-1]  # of 300 iterations; by the mean of the whole run it would be 1
