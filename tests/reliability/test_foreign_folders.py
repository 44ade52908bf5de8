"""Folders of others: a command first knows that a folder is ours, else it touches nothing in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_run import write_run

from bridgebench.eval.records.marks import MARK, check_folder, mark
from bridgebench.harness.commands.main import main
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes

Write = Callable[..., Path]
State = dict[str, tuple[bytes, int]]

# What stands in a folder of another program's.
FOREIGN: dict[str, dict[str, str]] = {
    "another run.json": {"run.json": '{"schema": 1, "runs": []}'},
    "a run.json like ours": {
        "run.json": json.dumps(
            {key: {} for key in ("profile", "protocol", "code", "packages", "hardware", "methods")}
            | {"schema": 1, "created": "", "profile_name": "x", "protocol_hash": "a" * 64, "attributes": ["Male"]}
            | {"data": {"name": "", "digest": "", "n_test": 2, "image_size": 2}}
            | {"features": {"name": "", "title": "", "dimension": 1, "digest": ""}}
        )
    },
    "no run.json": {},
    "another mark": {MARK: "{}"},
    "a mark of other folders": {MARK: '{"schema": 1, "program": "bridgebench", "kind": "pages"}'},
}
PRECIOUS = {
    "samples/source.png": "only copy",
    "samples/identity/label/Male.png": "only copy",
    "cells/identity/label/Male.json": "only copy",
    "details/identity/label/Male.json": "only copy",
    "outcomes/identity/label/Male.npz": "only copy",
    "cache/features.npy": "only copy",
    "cache/.half.tmp": "only copy",
    "baselines.json": "only copy",
    "summary.csv": "only copy",
    "weights.safetensors": "only copy",
    "index.html": "<title>my own</title>",
    "style.css": "only copy",
    ".hidden.json.abc.tmp": "only copy",
}


def lay(folder: Path, files: dict[str, str]) -> State:
    for name, text in files.items():
        write_bytes(folder / name, text.encode())
    return state(folder)


def state(folder: Path) -> State:
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


@pytest.mark.parametrize("files", FOREIGN.values(), ids=[*FOREIGN])
@pytest.mark.parametrize("command", ["benchmark", "train", "train judge", "report", "figures", "diff"])
def test_a_folder_of_others_is_refused_and_not_touched(
    command: str, files: dict[str, str], tmp_path: Path, write_tiny: Write, capsys: Any
) -> None:
    if command in ("report", "diff") and MARK in files and "pages" in files[MARK]:
        files = {MARK: '{"schema": 1, "program": "bridgebench", "kind": "training", "id": "1"}'}
    out, profile = tmp_path / "mine", str(write_tiny(tmp_path))
    before = lay(out, files | PRECIOUS)
    run = str(write_run(tmp_path / "run", pictures=False)) if command in ("report", "figures", "diff") else ""
    given = {
        "benchmark": ["benchmark", "--profile", profile],
        "train": ["train", "stargan", "--profile", profile],
        "train judge": ["train", "judge", "--profile", profile, "--minutes", "0.01"],
        "report": ["report", run],
        "figures": ["report", "--figures", run],
        "diff": ["report", "--diff", run, run],
    }[command]
    if command == "figures":
        write_run(tmp_path / "run")
    assert main([*given, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert str(out) in said and "--out" in said and said.count("\n") == 1
    assert state(out) == before
    assert {path.name for path in out.iterdir()} == {name.split("/")[0] for name in before}


def test_a_folder_is_ours_by_its_mark_and_new_if_it_is_empty(tmp_path: Path) -> None:
    check_folder(tmp_path / "none", "benchmark")
    check_folder(tmp_path, "benchmark")
    (tmp_path / ".DS_Store").touch()
    check_folder(tmp_path, "benchmark")
    mark(tmp_path, "benchmark")
    first = (tmp_path / MARK).read_bytes()
    (tmp_path / "notes.txt").touch()
    check_folder(tmp_path, "benchmark")
    mark(tmp_path, "benchmark")
    assert (tmp_path / MARK).read_bytes() == first
    with pytest.raises(UserError, match="is a run directory, not a training run; give another --out"):
        check_folder(tmp_path, "training")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.touch])
def test_a_mark_that_is_no_mark_makes_no_folder_ours(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / MARK)
    with pytest.raises(UserError, match="give another --out"):
        check_folder(tmp_path, "benchmark")


def test_the_lock_of_another_program_is_left(tmp_path: Path, write_tiny: Write, capsys: Any) -> None:
    before = lay(tmp_path / "out", {".lock": "12345"})
    assert main(["benchmark", "--profile", str(write_tiny(tmp_path)), "--out", str(tmp_path / "out")]) == 2
    assert state(tmp_path / "out") == before
    assert ".lock is another program's" in capsys.readouterr().err


def test_the_page_of_several_runs_is_not_written_over_another(tmp_path: Path, capsys: Any) -> None:
    runs = [str(write_run(tmp_path / name, seed, pictures=False)) for seed, name in enumerate("ab")]
    (tmp_path / "index.html").write_text("<title>my own</title>")
    assert main(["report", *runs]) == 2
    assert (tmp_path / "index.html").read_text() == "<title>my own</title>"
    assert "index.html is not a page of bridgebench" in capsys.readouterr().err
    (tmp_path / "index.html").unlink()
    assert main(["report", *runs]) == main(["report", *runs]) == 0


def test_pages_of_older_versions_are_made_again(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    assert main(["report", str(run)]) == 0
    (run / "report" / MARK).unlink()
    assert main(["report", str(run)]) == 0
    (run / "report" / MARK).unlink()
    (run / "report" / "index.html").write_text("<title>my report</title>")
    assert main(["report", str(run)]) == 2
