"""The speed and the time left that a training run shows are those of its last minute."""

from __future__ import annotations

import pytest

from bridgebench.harness.processes.messages import Loudness, start_messages
from bridgebench.harness.train.checkpoint import Progress
from bridgebench.harness.train.display import Display
from bridgebench.harness.train.progress_file import TrainingProgress


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def lines(clock, capsys, stretches, total, folder):
    """What is printed by a run of (iterations, iterations a second) stretches, batches of 10."""
    progress = Progress()
    start_messages(Loudness())
    display = Display(total, progress, None, folder)
    for count, per_second in stretches:
        for _ in range(count):
            clock[0] += 1 / per_second
            progress.iteration += 1
            progress.images += 10
            display.show(progress, {"loss": 1.0})
    return capsys.readouterr().out.splitlines()


def test_an_even_run(clock, capsys, tmp_path):
    found = lines(clock, capsys, [(1000, 2.0)], 1600, tmp_path)
    assert " · 20 images/s · " in found[1]
    assert "iteration 977/1600 · 20 images/s · 5 min left" in found[-1]
    noted = TrainingProgress.find(tmp_path)
    assert noted is not None and not noted.complete
    assert (noted.iteration, noted.images, noted.images_per_second) == (988, 9880, 20.0)
    assert noted.seconds_left == pytest.approx((1600 - 988) / 2)
    assert noted.losses == {"loss": 1.0}


def test_a_fast_warm_up_is_forgotten_after_a_minute(clock, capsys, tmp_path):
    found = lines(clock, capsys, [(3000, 20.0), (200, 0.5)], 3500, tmp_path)
    assert " · 200 images/s · " in found[3]
    assert " · 5 images/s · " in found[-1]
    assert " · 10 min left · " in found[-1]  # of 300 iterations; by the mean of the whole run it would be 1
