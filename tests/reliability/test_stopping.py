"""A process that is told to stop ends within two seconds, whatever it is at, and says how to go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridgebench.harness.processes.stopping import HOW_TO_GO_ON, StopRequest, certainly

HERE = Path(__file__).parent
# In place of the command: it holds a folder with a file half written and a worker, and then ...
PROGRAM = """
import sys, time
sys.path[:0] = [{here!r}, {root!r}]
import bridgebench.harness.commands.main
from bridgebench.__main__ import run

def swallow():
    import multiprocessing
    from jobs import linger
    multiprocessing.get_context("spawn").Process(target=linger, args=({folder!r},)).start()
    (folder / "begun").touch()
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def save():
    from bridgebench.harness.processes.stopping import Stopped, StopRequest
    with StopRequest() as request:
        (folder / "begun").touch()
        for _ in range(20):
            time.sleep(0.1)
        (folder / "saved").touch()
    raise Stopped(request.number, "saved.")

def main():
    from pathlib import Path
    from bridgebench.harness.processes.lock import locked
    from bridgebench.harness.processes.stopping import certainly
    from bridgebench.eval.records.directory import RunDirectory
    global folder
    folder = Path({folder!r})
    with locked(folder), certainly(RunDirectory(folder).clean):
        (folder / ".half.json.xyz.bridgebench.tmp").touch()
        {what}()

bridgebench.harness.commands.main.main = main
if __name__ == "__main__":
    run()
"""


def stop(tmp_path: Path, what: str, number: signal.Signals) -> tuple[int, float, str, set[str]]:
    """Exit code, seconds, what was said, and the files that are left."""
    script, folder = tmp_path / "program.py", tmp_path / "folder"
    script.write_text(PROGRAM.format(here=str(HERE), root=str(HERE.parent.parent), folder=str(folder), what=what))
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (folder / "begun").exists() and process.poll() is None:
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    return process.returncode, time.monotonic() - started, said.strip(), {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_process_that_does_not_end_by_itself_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    code, seconds, said, left = stop(tmp_path, "swallow", number)
    expected = signal.SIGTERM if number == signal.SIGUSR1 else number
    assert (code, said) == (128 + expected, f"bridgebench: {HOW_TO_GO_ON}")
    assert 1 <= seconds < 30  # a second, and what an overloaded machine adds
    assert "begun" in left and not {name for name in left if name.startswith(".")}  # no lock, nothing half written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_one_that_saves_is_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    code, seconds, said, left = stop(tmp_path, "save", number)
    assert (code, said, left) == (143, "bridgebench: saved.", {"begun", "saved"})
    assert seconds > 1.5  # the guard alone would have ended it before


def test_the_first_signal_is_passed_on_and_the_second_ctrl_c_interrupts() -> None:
    told: list[int] = []
    with pytest.raises(KeyboardInterrupt), StopRequest(then=told.append) as request:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert (request.number, told) == (signal.SIGTERM, [signal.SIGTERM])
        signal.raise_signal(signal.SIGINT)
    assert told == [signal.SIGTERM]


def test_what_is_certain_is_done_once_where_nothing_happens() -> None:
    done: list[str] = []
    with certainly(lambda: done.append("outer")), certainly(lambda: done.append("inner")):
        assert done == []
    assert done == ["inner", "outer"]
