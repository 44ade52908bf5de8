"""Files of a run directory: all or nothing, the same bytes for the same record, safe names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import Baselines, CellRecord
from bridgebench.eval.records.record import to_json
from bridgebench.methods.core import files
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import quote, write_bytes


def test_names_become_safe_folder_names() -> None:
    assert quote("bridgegan-v1.5_x") == "bridgegan-v1.5_x"
    assert quote("my method/ä~") == "my%20method%2F%C3%A4%7E"
    assert quote("..") == "%2E%2E"


def test_records_are_canonical() -> None:
    assert to_json({"b": 1, "a": [1.5, None]}) == b'{\n "a": [\n  1.5,\n  null\n ],\n "b": 1\n}\n'
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json({"a": float("nan")})


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder" / "cell.json"
    write_bytes(path, b"old")

    def full(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="disk full"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_half_written_files_of_a_killed_run_are_no_cells_and_are_removed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    place = {"method": "identity", "mode": "label", "attribute": "Young"}
    cell = CellRecord.model_validate({"schema": 1, "key": "k", "protocol_hash": "p", "n": 1, "measures": {}} | place)
    cell.write(run.cell_file(*place.values()))
    rubbish = run.cell_file("identity", "label", "Bangs").with_name(".Bangs.json.x1y2.bridgebench.tmp")
    rubbish.write_bytes(b'{"ke')
    assert [cell.key for cell in run.cells()] == ["k"]
    run.clean()
    assert not rubbish.exists()
    assert [cell.key for cell in run.cells()] == ["k"]


def test_what_is_no_record_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    path = tmp_path / "baselines.json"
    assert Baselines.find(path) is None
    for damaged in (b"", b"{", b"[1]", b"\xff", b'{"protocol_hash": 1}'):
        path.write_bytes(damaged)
        assert Baselines.find(path) is None
    path.write_text(json.dumps({"protocol_hash": "p"}))
    assert Baselines.find(path) == Baselines(protocol_hash="p")


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run directory"):
        RunDirectory(tmp_path).read_run()
