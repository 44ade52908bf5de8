"""Links that lead in a circle, files that vanish, and runs that are being written: one sentence, nothing touched."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from little_run import write_little_run

from bridgebench.eval.records import archive
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord
from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.lock import locked
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import real_path

Write = Callable[..., Path]


@pytest.fixture
def circle(tmp_path: Path) -> Path:
    """A link to a link that leads back."""
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    return tmp_path / "one"


@pytest.mark.parametrize(
    "command",
    [
        ["benchmark", "--profile", "PROFILE", "--out"],
        ["train", "stargan", "--profile", "PROFILE", "--out"],
        ["tasks", "export", "--profile", "PROFILE", "--out"],
        ["data", "check", "celeba64", "--data-root"],
        ["tasks", "check"],
        ["score", "--name", "mine"],
        ["report"],
        ["report", "--leaderboard"],
        ["report", "RUN", "--out"],
        ["merge", "RUN", "--out", "NEW"],
        ["merge", "RUN", "RUN", "--out"],
        ["records", "pack", "--out", "NEW"],
        ["records", "pack", "RUN", "--out"],
        ["records", "verify"],
        ["verify"],
        ["status"],
        ["weights", "show"],
        ["profiles", "show"],
        ["edit", "--method", "stargan", "--set", "Smiling=1", "--out", "NEW"],
    ],
    ids=" ".join,
)
def test_a_link_in_a_circle_is_told(
    command: list[str], circle: Path, tmp_path: Path, write_tiny: Write, capsys: Any
) -> None:
    names = {"PROFILE": str(write_tiny(tmp_path)), "RUN": str(tmp_path / "run"), "NEW": str(tmp_path / "new")}
    if "RUN" in command:
        write_little_run(tmp_path / "run")
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert main([*(names.get(word, word) for word in command), str(circle)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("bridgebench: ") and "Traceback" not in said
    assert {path: path.lstat().st_mtime_ns for path in before} == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("target", ["b", "."])
def test_a_circle_within_a_run_hides_nothing(tmp_path: Path, target: str, capsys: Any) -> None:
    run = write_little_run(tmp_path / "run")
    (run / "cells" / "a").symlink_to(target)
    (run / "cells" / "b").symlink_to("a")
    assert main(["status", str(run)]) == 0
    assert main(["report", str(run), "--out", str(tmp_path / "pages")]) == 0
    assert main(["records", "pack", str(run), "--out", str(tmp_path / "a.zip")]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_a_path_in_a_circle_stays_and_others_lose_their_links(circle: Path, tmp_path: Path) -> None:
    assert real_path(circle / "x").is_absolute()
    (tmp_path / "here").symlink_to(tmp_path)
    assert real_path(tmp_path / "here" / "here" / "file") == tmp_path.resolve() / "file"


# --- while a benchmark writes -----------------------------------------------------------------------------------------


def test_a_run_that_is_being_written_is_not_packed(tmp_path: Path, capsys: Any) -> None:
    run = write_little_run(tmp_path / "run")
    with locked(run):
        assert main(["records", "pack", str(run), "--out", str(tmp_path / "a.zip")]) == 2
    said = f"{run} is being written by process {os.getpid()} on {socket.gethostname()}: wait until its benchmark has"
    assert said in capsys.readouterr().err
    assert not (tmp_path / "a.zip").exists()
    assert main(["records", "pack", str(run), "--out", str(tmp_path / "a.zip")]) == 0


def test_a_file_that_is_gone_when_it_is_packed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = write_little_run(tmp_path / "run")
    cell = RunDirectory(run).cell_file("identity", "label", "Bangs")

    def moved(directory: RunDirectory, path: Path, whole: Any = archive._without_readings) -> Any:
        cell.unlink(missing_ok=True)
        return whole(directory, path)

    monkeypatch.setattr(archive, "_without_readings", moved)
    assert main(["records", "pack", str(run), "--no-images", "--out", str(tmp_path / "a.zip")]) == 2
    assert capsys.readouterr().err.startswith(f"bridgebench: {cell} cannot be read")
    assert not (tmp_path / "a.zip").exists()


def test_nobody_is_told_to_delete_a_record_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.json is not there; if a benchmark is writing there"):
        CellRecord.read(tmp_path / "a.json")
