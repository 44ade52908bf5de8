"""Merged runs: the numbers of the whole run, who made what, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_outcomes import outcomes
from fake_parts import at, change, part, write_whole
from fake_run import EVIL, HASH

from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.intact import damaged
from bridgebench.eval.records.manifest import changes, read_manifest
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.merge import merge
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.sources import carried_on, makers
from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.lock import locked
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import new_folder
from bridgebench.reports.read.run import Run

CELL = ("stargan", "label", "Male")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_whole(tmp_path_factory.mktemp("whole") / "run")
    run = RunDirectory(folder)
    for name in ("bridgegan", "stargan"):
        cell = CellRecord.read(run.cell_file(name, *CELL[1:]))
        outcomes(cell, run.read_run().attributes).write(run.outcomes_file(name, *CELL[1:]))
    return folder


@pytest.fixture
def halves(whole: Path, tmp_path: Path) -> tuple[Path, Path]:
    one = part(whole, tmp_path / "one", "bridgegan", "identity", "oracle", how=at("2026-01-01T00:00:00+00:00"))
    two = part(whole, tmp_path / "two", "stargan", EVIL, "copy", "attack", how=at("2026-02-02T00:00:00+00:00"))
    return one, two


def files(folder: Path, *but: str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix() not in but
    }


OF_THE_RUN = ("run.json", "manifest.json", "bridgebench.json", "summary.csv")


def test_two_halves_are_the_whole(whole: Path, halves: tuple[Path, Path], tmp_path: Path) -> None:
    found = merge(halves, tmp_path / "merged")
    assert files(tmp_path / "merged", *OF_THE_RUN) == files(whole, *OF_THE_RUN)
    assert Run(tmp_path / "merged").summary() == Run(whole).summary()
    assert found.cells == len(Run(whole).cells) and found.twice == 0 and found.renamed == []
    merge(halves, tmp_path / "again")
    assert files(tmp_path / "merged", "bridgebench.json") == files(tmp_path / "again", "bridgebench.json")


def test_a_merged_run_is_a_run_like_any_other(
    halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = str(tmp_path / "merged")
    assert main(["merge", *map(str, halves), "--out", merged]) == 0
    assert "7 methods" in capsys.readouterr().out
    assert main(["records", "verify", merged]) == 0
    assert main(["status", merged, "--json"]) == 0
    status = json.loads(capsys.readouterr().out.split("\n", 1)[1])["runs"][0]
    assert status["state"] == "finished" and status["done"] == status["planned"]
    run = RunDirectory(tmp_path / "merged")
    assert damaged(run, run.named_files(run.read_run())) == {}
    assert changes(run.root, read_manifest(run.root, run.root)) == []


def test_it_is_kept_who_made_what(halves: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = (RunRecord.read(run / "run.json") for run in halves)
    record = merge(halves, tmp_path / "merged").record
    assert [source.id for source in record.sources] == [one.id, two.id]
    assert [set(source.methods) for source in record.sources] == [set(one.methods), set(two.methods)]
    assert record.created == two.created  # the same inputs give the same bytes: no date of today
    assert [source.id for source in makers(record, CELL)] == [two.id]
    assert record == RunRecord.read(tmp_path / "merged" / "run.json")
    # Of a merged run and a third one, the three are kept.
    third = part(halves[0], tmp_path / "third", "identity", how=at("2026-03-03T00:00:00+00:00", by="Lab Three"))
    cells = sorted((third / "cells/identity/label").glob("*.json"))
    for path in cells[1:]:
        path.unlink()
    record = merge([tmp_path / "merged", third], tmp_path / "all").record
    assert [source.by for source in record.sources] == ["", "", "Lab Three"]
    assert len(makers(record, ("identity", "label", cells[0].stem))) == 2  # two have measured it, alike
    assert len(makers(record, ("identity", "label", cells[1].stem))) == 1
    assert record.sources[2].methods["identity"] != ()
    assert record.sources[0].methods["bridgegan"] == ()


def test_what_a_later_benchmark_makes_is_nobody_elses(halves: tuple[Path, Path], tmp_path: Path) -> None:
    record = merge(halves, tmp_path / "merged").record
    cells = [(cell.method, cell.mode, cell.attribute) for cell in RunDirectory(tmp_path / "merged").cells()]
    kept = [place for place in cells if place != CELL]
    after = record.model_copy(update={"sources": carried_on(record, kept), "created": "2027-01-01T00:00:00+00:00"})
    assert [source.id for source in makers(after, CELL)] == [after.id]
    assert {makers(after, place)[0].id for place in kept} == {source.id for source in record.sources}
    own = RunRecord.read(halves[0] / "run.json")
    assert carried_on(own, kept) == ()
    assert [source.by for source in carried_on(own.model_copy(update={"by": "Lab One"}), kept)] == ["Lab One"]


def test_runs_of_another_protocol_are_refused_with_what_differs(
    halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(halves[1], lambda record: record["protocol"].update(n=400, seed=7))
    assert main(["merge", *map(str, halves), "--out", str(tmp_path / "merged")]) == 2
    told = capsys.readouterr().err
    assert "n (500 and 400), seed (0 and 7)" in told and str(halves[1]) in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_the_same_cell_twice_must_be_the_same(whole: Path, halves: tuple[Path, Path], tmp_path: Path) -> None:
    again = part(whole, tmp_path / "again", "bridgegan", "stargan")
    found = merge([*halves, again], tmp_path / "merged")
    assert found.twice == 42
    path = RunDirectory(again).cell_file(*CELL)
    cell = CellRecord.read(path)

    def with_accuracy(value: float | None) -> None:
        accuracy = cell.measures["accuracy"].model_copy(update={"value": value})
        cell.model_copy(update={"measures": {**cell.measures, "accuracy": accuracy}}).write(path)

    value = cell.measures["accuracy"].value
    assert value is not None
    with_accuracy(value * (1 + 1e-9))  # another processor
    assert merge([*halves, again], tmp_path / "rounded").twice == 42
    with_accuracy(value + 0.001)
    with pytest.raises(UserError, match=r"have the cell stargan/label/Male with other numbers \(accuracy: 0\."):
        merge([*halves, again], tmp_path / "refused")
    with_accuracy(None)
    with pytest.raises(UserError, match="other numbers"):
        merge([*halves, again], tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_other_weights_of_a_method_bear_another_name(
    whole: Path, halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def other_weights(record: dict[str, Any]) -> None:
        record["methods"]["bridgegan"]["weights"]["sha256"] = "0f" * 32
        record["profile"]["weights"] = {"bridgegan": "theirs.safetensors"}

    other = part(whole, tmp_path / "other", "bridgegan", how=other_weights)
    path = RunDirectory(other).cell_file("bridgegan", "label", "Male")
    cell = CellRecord.read(path)
    cell.model_copy(update={"n": 499}).write(path)
    found = merge([*halves, other], tmp_path / "merged")
    assert found.renamed == [(str(other), "bridgegan", "bridgegan-0f0f0f0f")]
    method = found.record.methods["bridgegan-0f0f0f0f"]
    assert (method.title, method.measured_as) == ("BridgeGAN (0f0f0f0f)", "bridgegan")
    assert found.record.profile["weights"] == {"bridgegan-0f0f0f0f": "theirs.safetensors"}
    run = Run(tmp_path / "merged")
    assert run.damaged == {} and run.finished
    assert run.cells[run.record.protocol_hash, "bridgegan-0f0f0f0f", "label", "Male"].n == 499
    assert ("bridgegan-0f0f0f0f", "label", "Smiling") in run.details
    # The same two again, in the other order and merged before: no third name.
    found = merge([other, tmp_path / "merged"], tmp_path / "turned")
    assert {"bridgegan", "bridgegan-abababab"} <= found.record.methods.keys()
    assert len(found.record.methods) == 8
    again = merge([tmp_path / "turned", tmp_path / "merged"], tmp_path / "third")
    assert len(again.record.methods) == 8 and again.twice == again.cells


def test_two_methods_of_one_name_are_both_kept(whole: Path, halves: tuple[Path, Path], tmp_path: Path) -> None:
    other = part(whole, tmp_path / "other", "copy", how=lambda record: record["methods"]["copy"].update(title="Mine"))
    small = part(whole, tmp_path / "small", "copy")
    change(small, lambda record: record.update(methods={"COPY": record["methods"].pop("copy")}))
    (small / "cells/copy").rename(small / "cells/COPY")
    (small / "cost/copy").rename(small / "cost/COPY")
    for path in [*small.glob("cells/COPY/*/*.json"), *small.glob("cost/COPY/*.json")]:
        path.write_text(path.read_text().replace('"copy"', '"COPY"'))
    merged = merge([*halves, other, small], tmp_path / "merged")
    assert [new for _, _, new in merged.renamed] == [
        next(name for name in merged.record.methods if name.startswith("copy-")),
        next(name for name in merged.record.methods if name.startswith("COPY-")),
    ]
    zipped(RunDirectory(tmp_path / "merged"))  # no two members differ in capital letters alone


def test_what_is_wrong_with_a_run_is_told_and_nothing_written(
    halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = halves
    out = str(tmp_path / "merged")

    def told(*arguments: str) -> str:
        assert main(["merge", *arguments, "--out", out]) == 2
        assert not Path(out).exists()
        return capsys.readouterr().err

    assert "at least two" in told(str(one))
    assert "named twice" in told(str(one), str(one))
    assert "there is nothing of that name" in told(str(one), str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    assert "is not a run directory" in told(str(one), str(tmp_path / "empty"))
    with locked(two):
        assert "is being written by process" in told(str(one), str(two))
    cell = RunDirectory(two).cell_file(*CELL)
    CellRecord.read(cell).write(cell)  # with a seal
    good = cell.read_bytes()
    cell.write_bytes(good.replace(b"0.", b"1.", 1))
    assert "is damaged" in told(str(one), str(two))
    cell.write_bytes(good)
    record = json.loads((two / "run.json").read_text())
    record.pop("sha256")
    (two / "run.json").write_text(json.dumps(record | {"protocol_hash": HASH}))
    assert "its protocol is not the one" in told(str(one), str(two))
    (two / "run.json").write_text(json.dumps(record | {"attributes": record["attributes"][:-1]}))
    assert "under the same protocol: attributes" in told(str(one), str(two))
    Path(out).mkdir()
    (Path(out) / "mine.txt").write_text("mine")
    assert main(["merge", str(one), str(two), "--out", out]) == 2
    assert files(Path(out)) == {"mine.txt": b"mine"}


def test_archives_are_merged_as_directories_are(halves: tuple[Path, Path], tmp_path: Path) -> None:
    archive = tmp_path / "two-records.zip"
    archive.write_bytes(zipped(RunDirectory(halves[1]), images=True, by="Lab Two"))
    found = merge([halves[0], archive], tmp_path / "merged")
    merge(halves, tmp_path / "expected")
    assert files(tmp_path / "merged", *OF_THE_RUN) == files(tmp_path / "expected", *OF_THE_RUN)
    assert [source.by for source in found.record.sources] == ["", "Lab Two"]
    # A bare archive first: what the directory has of the same cells besides, is taken from there.
    bare = tmp_path / "bare-records.zip"
    bare.write_bytes(zipped(RunDirectory(halves[1])))
    merge([halves[0], bare, halves[1]], tmp_path / "pictures")
    assert files(tmp_path / "pictures", *OF_THE_RUN).keys() == files(tmp_path / "expected", *OF_THE_RUN).keys()


def test_nothing_stays_of_a_folder_that_was_not_finished(tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = tmp_path / ".out.killed.bridgebench.tmp"  # by a process that was killed
    left.mkdir()
    (left / "half").write_text("half")
    with pytest.raises(ZeroDivisionError), new_folder(out) as folder:
        (folder / "file").write_text("1")
        assert not left.exists()
        with pytest.raises(UserError, match="Another process"), new_folder(out):
            raise AssertionError("two at once")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with new_folder(out) as folder:
        (folder / "file").write_text("1")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with pytest.raises(UserError, match="exists already"), new_folder(out):
        raise AssertionError("it was written over")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="exists already"), new_folder(tmp_path / "link"):
        raise AssertionError("a link was followed")
