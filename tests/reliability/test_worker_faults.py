"""Workers that die or are left over: no job is lost, and none outlives its run."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from jobs import die, die_once

from bridgebench import __main__
from bridgebench.harness.benchmark import backends
from bridgebench.harness.benchmark.backends import run_jobs
from bridgebench.harness.processes.nursery import Nursery
from bridgebench.harness.processes.pool import Death, run_in_processes


def alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().split(")")[1][:3]
    except OSError:
        return False


def test_the_job_of_a_killed_worker_is_done_again(tmp_path: Path) -> None:
    assert sorted(run_in_processes(die_once, [(str(tmp_path), number) for number in range(4)], 2)) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_a_job_over_which_workers_die_stops_no_other() -> None:
    found = list(run_in_processes(die, [0, 1, 2], 1))
    assert [each for each in found if not isinstance(each, Death)] == [0, 2]
    assert [each for each in found if isinstance(each, Death)] == [Death(1, "SIGKILL")]


def test_dask_gives_the_job_of_a_killed_worker_to_another(tmp_path: Path) -> None:
    jobs = [(str(tmp_path), number) for number in range(4)]
    assert sorted(run_jobs(die_once, jobs, backend="dask", scheduler=None, workers=2)) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_dask_gives_a_job_up_at_last() -> None:
    def give_up(number: int, cause: str) -> str:
        return f"{number}: {cause}"

    found = list(run_jobs(die, [0, 1], backend="dask", scheduler=None, workers=1, give_up=give_up))
    assert sorted(map(str, found)) == ["0", "1: lost by Dask"]


def test_dask_s_workers_that_nobody_restarts_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask itself restarts no worker that dies before its nanny has seen it start."""

    async def forgotten(self: object, exitcode: int) -> None:
        del self, exitcode

    monkeypatch.setattr("distributed.nanny.Nanny._on_worker_exit", forgotten)
    monkeypatch.setattr(backends, "_PATIENCE", 2.0)
    jobs = [(str(tmp_path), number) for number in range(4)]
    assert sorted(run_jobs(die_once, jobs, backend="dask", scheduler=None, workers=1)) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_a_stopped_nursery_is_replaced_and_not_waited_for() -> None:
    found = Nursery("jobs:stop_parent")
    mine, theirs = socket.socketpair()
    with mine:
        process = found.fork(theirs)
        stopped = Path(f"/proc/{found._process.pid}/stat")
        deadline = time.monotonic() + 100
        while stopped.read_text().rpartition(")")[2].split()[0] != "T" and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(OSError, match="the nursery was stopped"):
            found.end(process, by_itself=False)
    assert not found.alive
    deadline = time.monotonic() + 20
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(process)


PROGRAM = """
import sys
sys.path[:0] = [{here!r}, {root!r}]
from jobs import linger
from bridgebench.harness.processes.nursery import Nursery
from bridgebench.harness.processes.pool import run_in_processes
from bridgebench.harness.processes.stopping import guarded
if __name__ == "__main__":
    with guarded():
        list(run_in_processes(linger, [{folder!r}] * 2, 2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_run(tmp_path: Path, number: signal.Signals) -> None:
    script, folder = tmp_path / "program.py", tmp_path / "workers"
    folder.mkdir()
    here = Path(__file__).parent
    script.write_text(PROGRAM.format(here=str(here), root=str(here.parent.parent), folder=str(folder)))
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 300
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(path.name) for path in folder.iterdir()]
    assert len(workers) == 2
    assert all(map(alive, workers))
    process.send_signal(number)
    process.wait(30)
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


@pytest.mark.parametrize(("code", "at_once"), [(130, True), (143, True), (1, False), (0, False)])
def test_a_stopped_command_does_not_wait_for_the_interpreter(
    code: int, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(BaseException):
        pass

    def leave(status: int) -> None:
        raise Left(status)

    monkeypatch.setattr("bridgebench.harness.commands.main.main", lambda: code)
    monkeypatch.setattr(__main__, "guarded", nullcontext)
    monkeypatch.setattr(__main__.os, "_exit", leave)
    with pytest.raises(Left if at_once else SystemExit) as ended:
        __main__.run()
    assert ended.value.args == (code,)
