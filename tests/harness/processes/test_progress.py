"""How far some work is: plain lines in a log, now and then."""

from __future__ import annotations

import logging

import pytest

from bridgebench.harness.processes.messages import Loudness, start_messages
from bridgebench.harness.processes.parallel import run_all
from bridgebench.harness.processes.progress import meter, spoken


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_thirty_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    start_messages(Loudness())
    with meter("cells", 300) as shown:
        for done in range(1, 201):  # two cells a second of ten images each
            clock[0] += 0.5
            shown.show(done, images=10 * done, failed=done // 100)
    assert capsys.readouterr().out.splitlines() == [
        "cells: 60 of 300 done, 20 images/s, about 2 min left",
        "cells: 120 of 300 done, 1 failed, 20 images/s, about 2 min left",
        "cells: 180 of 300 done, 1 failed, 20 images/s, about 60 s left",
    ]


def test_the_time_left_follows_the_last_two_minutes(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    start_messages(Loudness())
    with meter("cells", 2000) as shown:
        for done in range(1, 1001):  # ten a second
            clock[0] += 0.1
            shown.show(done, images=0)
        for done in range(1001, 1021):  # one in ten seconds
            clock[0] += 10
            shown.show(done, images=0)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "cells: 1,018 of 2,000 done, about 2 h 44 min left"  # 982 cells of ten seconds


def test_quiet_work_shows_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    start_messages(Loudness(logging.WARNING))
    with meter("cells", 10) as shown:
        clock[0] += 100
        shown.show(5, images=5)
    assert capsys.readouterr() == ("", "")


def test_work_in_processes_is_shown_by_its_images(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgebench.harness.processes.progress.LINE_SECONDS", 0.0)
    start_messages(Loudness())
    assert list(run_all(len, ["ab", "cde"], title="Drawing 5 images", weight=len)) == [2, 3]
    found = capsys.readouterr().out.splitlines()
    assert [line.partition(" done")[0] for line in found] == [
        "Drawing 5 images: 2 of 5",
        "Drawing 5 images: 5 of 5",
    ]


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (89, "89 s"), (90, "2 min"), (12000, "3 h 20 min")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
