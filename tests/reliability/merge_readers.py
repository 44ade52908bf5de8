"""The readers of several runs, `merge` and leaderboards, and those of records of a user's own measures."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from page_check import check_pages
from target import Target

from bridgebench.eval.measures.card import MeasureFailed
from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.intact import damaged
from bridgebench.eval.records.measured import CellRecord, Measured
from bridgebench.eval.records.merge import merge
from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.run import MeasureRecord, RunRecord
from bridgebench.eval.records.seal import SEAL, sealed
from bridgebench.harness.benchmark.remote_measures import sound_record
from bridgebench.methods.core.files import parse_json
from bridgebench.reports.leaderboard import build_leaderboard
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import render, site_of

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from fake_parts import at, change

_OWN: dict[str, dict[str, Any]] = {
    "edge_error": {
        "package": "edges", "package_version": "1.2", "family": ["edges", 1], "function": "of_images",
        "title": "Edge error", "about": "How far the edges are from the true edit's.", "needs": ["truth"],
        "unit": "% of the range", "better": "lower", "factor": 100.0, "digits": 2, "span": [0.0, 1.0],
        "shown": ["rest", "overview", "variants", "terminal"],
    },
    "doubt": {
        "package": "doubts", "package_version": "0.1", "family": ["doubt", 2], "function": "of_cell",
        "title": "Doubt", "about": "How undecided the judge is.", "spoken": "doubt", "needs": ["judge"],
        "kinds": ["flip", "strength"], "of_way": True, "distance": True, "better": "higher", "shown": ["accuracy"],
    },
}  # fmt: skip
_VALUES = (
    {"value": 0.25, "low": 0.1, "high": 0.5, "se": 0.1, "n": 40, "n_real": 12, "unit": 2.0},
    {"values": {"Smiling": 0.5, "Bangs": None}, "n": 40, "draws": 2},
    {"reason": "the judge knows no such image", "failed": True},
)
_CELL = ("bridgegan", "label", "Smiling")
"""The cell whose record, in the second run, is damaged."""


def own_measures_targets(folder: Path, run: Path) -> list[Target]:
    """The readers of what a user's own measures leave in records, and of what their plug-ins say.

    Args:
        folder: for a run of their own.
        run: a small run, which is copied.
    """
    own = with_own_measures(run, folder / "own")
    measures = json.dumps(_OWN).encode()
    cell = json.loads(RunDirectory(own).cell_file(*_CELL).read_text())["measures"]
    named = json.dumps({key: cell[key] for key in ("accuracy", *_OWN)}).encode()
    answers = tuple(json.dumps(values).encode() for values in _VALUES[:2])
    cards = tuple(json.dumps(card).encode() for card in _OWN.values())
    return [
        Target("own measures of a run", _part_reader(own, own / "run.json", "measures"), (measures,), ".json", 3),
        Target("own measures of a cell", _part_reader(own, RunDirectory(own).cell_file(*_CELL), "measures"),
               (named,), ".json", 3),
        Target("card of an own measure", _card_reader, cards, ".json", 3),
        Target("answer of an own measure", _answer_reader, answers, ".json", 3),
    ]  # fmt: skip


def with_own_measures(run: Path, copy: Path) -> Path:
    """A copy of a run that also has two measures of plug-ins, and whose protocol's hash is that of its protocol."""
    shutil.copytree(run, copy)

    def change_record(record: dict[str, Any]) -> None:
        record["measures"] = _OWN
        record["protocol"]["attributes"] = record["attributes"]
        record["protocol"]["others"] = None

    change(copy, change_record)
    for number, path in enumerate(RunDirectory(copy).cell_files()):
        cell = CellRecord.read(path)
        values = [Measured(**_VALUES[(number + place) % len(_VALUES)]) for place in range(len(_OWN))]
        measures = {**cell.measures, **dict(zip(_OWN, values, strict=True))}
        cell.model_copy(update={"measures": measures}).write(path)
    return copy


def _part_reader(run: Path, path: Path, part: str) -> Callable[[Path], Any]:
    """Reads a run and makes pages of it in which one part of one record is damaged; the record's seal fits."""

    def read(damaged: Path) -> None:
        try:
            found = parse_json(damaged.read_bytes())
        except ValueError:
            return
        good = path.read_bytes()
        record = {key: value for key, value in json.loads(good).items() if key != SEAL}
        try:
            path.write_bytes(to_json(sealed(record | {part: found})))
            _make_pages(Run(run), zlib.crc32(damaged.read_bytes()) % 3)
        finally:
            path.write_bytes(good)

    return read


def _make_pages(run: Run, way: int) -> None:
    if way == 0:
        check_pages(render(run))
    elif way == 1:
        check_pages({"index.html": single_file(site_of(run))})


def _card_reader(path: Path) -> None:
    """What is believed of the answer of the process that imports a plug-in's measure."""
    with contextlib.suppress(ValueError):  # `own_measure` tells these
        MeasureRecord.model_validate(parse_json(path.read_bytes())).card("own").text(0.5)


def _answer_reader(path: Path) -> None:
    """What is believed of the record that a plug-in's measure gives; what comes through is a record that is written."""
    with contextlib.suppress(MeasureFailed, ValueError):
        Measured.model_validate(sound_record(parse_json(path.read_bytes())))


def merge_targets(folder: Path, run: Path) -> list[Target]:
    """The readers of several runs.

    Args:
        folder: for the runs.
        run: a small run, which is copied.
    """
    whole = with_own_measures(run, folder / "whole")
    first, second = _part(whole, folder / "first", "identity", "2026-01-01T00:00:00+00:00"), folder / "second"
    merge([first, _part(whole, folder / "third", "bridgegan", "2026-02-02T00:00:00+00:00")], second)
    names = {
        "run.json": RunDirectory(second).run_file,
        "cell": RunDirectory(second).cell_file(*_CELL),
        "baselines": RunDirectory(second).baselines_file,
        "cost": RunDirectory(second).cost_file(*_CELL[:2]),
        "details": RunDirectory(second).details_file(*_CELL),
        "manifest": RunDirectory(second).manifest_file,
    }
    archive = zipped(RunDirectory(second), images=True)
    return [
        *(Target(f"merge: {kind}", partial(_merge, folder, first, second, path), (path.read_bytes(),), path.suffix, 2)
          for kind, path in names.items()),
        Target("merge: archive", partial(_merge_archive, folder, first), (archive,), ".zip", 2),
    ]  # fmt: skip


def _part(whole: Path, folder: Path, method: str, created: str) -> Path:
    """A copy of a run with one of its methods alone."""
    shutil.copytree(whole, folder)
    for path in folder.glob("*/*"):
        if path.parent.name in ("cells", "details", "outcomes", "cost") and path.name != method:
            shutil.rmtree(path)

    def fewer(record: dict[str, Any]) -> None:
        record["methods"] = {method: record["methods"][method]}
        at(created, by=f"the maker of {method}")(record)

    change(folder, fewer)
    return folder


def _merge(folder: Path, first: Path, second: Path, path: Path, damaged: Path) -> None:
    good = path.read_bytes()
    try:
        path.write_bytes(damaged.read_bytes())
        if path != RunDirectory(second).manifest_file:  # which would tell of the damage
            RunDirectory(second).manifest_file.rename(folder / "manifest")
        _join(folder, [first, second], zlib.crc32(damaged.read_bytes()))
    finally:
        path.write_bytes(good)
        if (folder / "manifest").exists():
            (folder / "manifest").rename(RunDirectory(second).manifest_file)


def _merge_archive(folder: Path, first: Path, damaged: Path) -> None:
    _join(folder, [first, damaged], zlib.crc32(damaged.read_bytes()))


def _join(folder: Path, runs: list[Path], way: int) -> None:
    """Merges the runs in either order, and looks whether what comes out is sound; or makes a leaderboard of them."""
    out, board = folder / "merged", folder / "board"
    for made in (out, board, folder / "boards"):
        shutil.rmtree(made, ignore_errors=True)
    if way % 5 == 0:
        board.mkdir()
        for number, run in enumerate(runs):
            copy = shutil.copytree if run.is_dir() else shutil.copy
            copy(run, board / f"{number}{run.suffix}")
        try:
            build_leaderboard(board, folder / "boards")
        finally:
            check_pages({path.name: path.read_bytes() for path in folder.glob("boards/**/*") if path.is_file()})
        return
    try:
        merge(runs if way % 2 else runs[::-1], out)
    finally:
        left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        if left:
            raise AssertionError(f"it left {left}")
    directory, merged = RunDirectory(out), Run(out)
    record = RunRecord.read(directory.run_file)
    wrong = damaged(directory, directory.named_files(record))
    if wrong:
        raise AssertionError(f"the merged run is damaged: {wrong}")
    _make_pages(merged, way % 7)
