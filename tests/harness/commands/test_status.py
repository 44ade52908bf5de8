"""`bridgebench status`: a benchmark and a training, seen from elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.lock import LOCK
from bridgebench.harness.train.progress_file import TrainingProgress


@pytest.fixture(scope="module")
def finished(write_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    profile = write_tiny(folder)
    assert main(["benchmark", "--profile", str(profile), "--out", str(folder / "run"), "--methods", "identity"]) == 0
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def told(capsys: pytest.CaptureFixture[str], *folders: Path) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["status", *map(str, folders), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["runs"]


def hold(folder: Path, pid: int, host: str = "") -> None:
    (folder / LOCK).write_text(json.dumps({"host": host or socket.gethostname(), "pid": pid}))


def dead() -> int:
    """The id of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_finished_run_has_all_planned_cells(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(run)
    (found,) = told(capsys, run)
    assert (found["state"], found["done"], found["failed"], found["process"]) == ("finished", 28, {}, None)
    assert found["planned"] == found["done"] == len([*run.glob("cells/*/*/*.json")])
    assert state(run) == before  # it only reads


def test_what_is_missing_and_what_failed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = sorted(run.glob("cells/*/*/*.json"))
    first.unlink()
    second.unlink()
    second.with_suffix(".error.txt").write_text("Traceback\nArithmeticError: by order\n")
    (found,) = told(capsys, run)
    place = "/".join(second.with_suffix("").parts[-3:])
    assert (found["state"], found["done"], found["failed"]) == ("stopped", 26, {place: "ArithmeticError: by order"})
    assert main(["status", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{run} (benchmark): stopped, 26 of 28 cells done, 1 failed, last written ")
    assert lines[1] == f"    FAILED {place}: ArithmeticError: by order"
    assert main(["report", str(run)]) == 0
    captured = capsys.readouterr()
    assert captured.err == f"{run} is not finished: 26 of 28 cells are there.\n"
    assert "This run is not finished: 26 of 28 cells are there." in (run / "report" / "index.html").read_text()


def test_the_time_left_goes_by_the_last_minutes(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells, now = sorted(run.glob("cells/*/*/*.json")), time.time()
    for cell in cells[:20]:
        cell.unlink()
    for cell in cells[20:24]:
        os.utime(cell, (now - 1000, now - 1000))  # by an earlier call
    for cell in cells[24:]:
        os.utime(cell, (now - 10, now - 10))
    os.utime(run / "run.json", (now - 120, now - 120))
    assert told(capsys, run)[0]["seconds_left"] is None  # nothing runs
    hold(run, os.getpid())
    (found,) = told(capsys, run)
    assert found["state"] == "running"
    assert found["seconds_left"] == pytest.approx(20 * 120 / 4, rel=0.2)
    assert found["seconds_since"] == pytest.approx(10, abs=8)


def test_who_holds_the_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold(run, dead())
    assert told(capsys, run)[0]["state"] == "finished"  # it was killed after its last cell
    next(run.glob("cells/*/*/*.json")).unlink()
    assert told(capsys, run)[0]["state"] == "killed"
    hold(run, 1, "elsewhere")
    (found,) = told(capsys, run)
    assert (found["state"], found["process"]["host"]) == ("running", "elsewhere")
    old = time.time() - 600
    os.utime(run / LOCK, (old, old))
    assert told(capsys, run)[0]["state"] == "killed"
    (run / LOCK).write_text("no JSON")
    assert told(capsys, run)[0]["state"] == "stopped"


def test_a_training_is_told_from_what_it_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noted = TrainingProgress(
        iteration=120, total=400, seconds=60, images=960, images_per_second=16, seconds_left=140, losses={"loss": 0.5}
    )
    noted.write(tmp_path)
    hold(tmp_path, os.getpid())
    (found,) = told(capsys, tmp_path)
    assert (found["kind"], found["state"], found["seconds_left"]) == ("training", "running", 140)
    assert found["progress"]["iteration"] == 120 and found["progress"]["losses"] == {"loss": 0.5}
    assert main(["status", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "(training): running (process " in said and "iteration 120 of 400, 16 images/s, about 2 min left" in said
    (tmp_path / LOCK).unlink()
    noted.model_copy(update={"complete": True}).write(tmp_path)
    (found,) = told(capsys, tmp_path)
    assert (found["state"], found["seconds_left"]) == ("finished", None)


def test_a_folder_of_runs_tells_all_of_them(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = run.parent / "train" / "stargan-tiny"
    training.mkdir(parents=True)
    (training / "checkpoint.pt").write_bytes(b"of a version that noted no progress")
    (run.parent / "photos").mkdir()
    found = told(capsys, run.parent)
    assert [(Path(one["folder"]).name, one["state"]) for one in found] == [
        ("run", "finished"),
        ("stargan-tiny", "stopped"),
    ]
    assert found[1]["progress"] is None


def test_no_run_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is neither a run directory nor a training" in capsys.readouterr().err


def test_status_starts_without_torch(finished: Path) -> None:
    script = (
        "import sys; from bridgebench.harness.commands.main import main; code = main(sys.argv[1:]); "
        "sys.exit('imported torch' if 'torch' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", script, "status", str(finished)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "28 of 28 cells done" in done.stdout
