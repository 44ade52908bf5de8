"""Locks of other machines: the living keep their folder, the dead lose it, and of two there is never more than one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridgebench.harness.processes import lock
from bridgebench.harness.processes.lock import LOCK, locked
from bridgebench.methods.core.errors import UserError

ELSEWHERE = {"host": "elsewhere", "boot": "x", "pid": 7, "id": "theirs"}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life every tenth of a second, and dead after one and a half."""
    monkeypatch.setattr(lock, "BEAT", 0.1)
    monkeypatch.setattr(lock, "STALE", 1.5)
    monkeypatch.setattr(lock, "_SETTLE", 0.2)


def leave(folder: Path, age: float) -> Path:
    """The lock file of another machine, last touched `age` seconds ago."""
    path = folder / LOCK
    path.write_text(json.dumps(ELSEWHERE))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_dead_one_on_another_machine_loses_its_folder_after_its_time(tmp_path: Path, caplog: Any) -> None:
    leave(tmp_path, 0)
    started = time.monotonic()
    with locked(tmp_path):
        assert time.monotonic() - started >= 1.4
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert "(process 7 on elsewhere) has not ended its work" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_long_dead_is_not_waited_for(tmp_path: Path, caplog: Any) -> None:
    leave(tmp_path, 3600)
    started = time.monotonic()
    with locked(tmp_path):
        assert time.monotonic() - started < 1.4
    assert caplog.text == ""


@pytest.mark.parametrize("clock", [-3600.0, 0.0, 3600.0])
def test_a_living_one_keeps_its_folder_whatever_its_clock_says(tmp_path: Path, clock: float) -> None:
    """The times that it leaves may be hours off; every new one is a sign of life."""
    path, finished = leave(tmp_path, 0 if clock < 0 else -clock), threading.Event()

    def live() -> None:
        while not finished.wait(0.1):
            os.utime(path, (time.time() + max(clock, 0),) * 2)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        used = r"in use by another run \(process 7 on elsewhere\); wait for it"
        with pytest.raises(UserError, match=used), locked(tmp_path):
            pass
    finally:
        finished.set()
        thread.join()
    assert json.loads(path.read_text()) == ELSEWHERE


def test_another_start_of_a_machine_with_the_same_name_is_another_machine() -> None:
    here = lock.machine()
    assert not lock._is_foreign({**here, "pid": 1})
    assert not lock._is_foreign({})
    assert lock._is_foreign({**here, "boot": "another"})
    assert lock._is_foreign({**here, "host": "another"})


def test_signs_of_life_are_given_and_a_removed_file_is_written_again(tmp_path: Path) -> None:
    with locked(tmp_path):
        path = tmp_path / LOCK
        os.utime(path, (0, 0))
        owner = path.read_text()
        wait_until(lambda: path.stat().st_mtime > 1)
        path.unlink()
        wait_until(path.exists)
        wait_until(lambda: path.read_text() == owner)
    assert not path.exists()


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_of_two_that_take_over_at_once_the_second_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = leave(tmp_path, 3600)

    @contextmanager
    def never() -> Iterator[None]:
        raise AssertionError("both are in")
        yield

    def sleep(seconds: float) -> None:  # while this one waits, another machine writes its name
        path.write_text(json.dumps({**ELSEWHERE, "pid": 8}))

    monkeypatch.setattr(lock.time, "sleep", sleep)
    with pytest.raises(UserError, match="process 8 on elsewhere"), locked(tmp_path), never():
        pass
    assert json.loads(path.read_text())["pid"] == 8


PROGRAM = """
import sys, time
from pathlib import Path
from typing import Any
from bridgebench.harness.processes import lock
lock.BEAT = 0.1
with lock.locked(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(300)
    print("written", flush=True)
"""


def test_a_suspended_one_that_was_taken_over_ends_at_once_and_touches_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGSTOP)
    path = leave(tmp_path, 0)
    before = path.stat().st_mtime_ns
    process.send_signal(signal.SIGCONT)
    said, complaint = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "")
    assert "was taken over by process 7 on elsewhere" in complaint
    assert (path.stat().st_mtime_ns, json.loads(path.read_text())) == (before, ELSEWHERE)
