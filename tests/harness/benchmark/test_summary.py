"""The summary: one row a cell, a column a measure, empty where there is no value."""

from __future__ import annotations

import csv
from pathlib import Path

from bridgebench import methods
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.summary import summary_csv
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.summary import summary_lines
from bridgebench.methods.core.files import write_bytes

CELL = {"schema": 1, "protocol_hash": "p", "mode": "label", "n": 4}


def write_run_record(run: RunDirectory, kinds: dict[str, str]) -> None:
    record = {key: {} for key in ("profile", "protocol", "code", "packages", "hardware")}
    record |= dict.fromkeys(("created", "profile_name", "protocol_hash"), "")
    record |= {"schema": 1, "attributes": ["Bangs", "Male"]}
    record |= {"data": {"name": "faces", "digest": "", "n_test": 4, "image_size": 32}}
    record |= {"features": {"name": "attributes", "title": "FD", "dimension": 2, "digest": ""}}
    record |= {"methods": {name: {"title": name, "kind": kind, "modes": ["label"]} for name, kind in kinds.items()}}
    write_bytes(run.run_file, to_json(record))


def test_a_row_a_cell_and_means_over_the_attributes(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_run_record(run, {"identity": "control"})
    interval = {"value": 0.25, "low": 0.125, "high": 0.5, "n": 4}
    for attribute, measures in {
        "Bangs": {"accuracy": interval, "kid": {"value": 0.5, "se": 0.0625, "n": 4}},
        "Male": {"accuracy": {**interval, "value": 0.75}, "kid": {"value": None, "reason": "3 edits, fewer than 4"}},
    }.items():
        place = ("identity", "label", attribute)
        cell = CELL | {"method": "identity", "attribute": attribute, "measures": measures}
        write_bytes(run.cell_file(*place), to_json(cell))
    rows = list(csv.DictReader(summary_csv({"identity": "control"}, run.cells()).splitlines()))
    assert [(row["attribute"], row["kind"], row["n"]) for row in rows] == [
        ("Bangs", "control", "4"),
        ("Male", "control", "4"),
    ]
    assert [rows[0][key] for key in ("accuracy", "accuracy_low", "accuracy_high", "kid_se")] == [
        "0.25",
        "0.125",
        "0.5",
        "0.0625",
    ]
    assert (rows[1]["kid"], rows[1]["kid_se"]) == ("", "")
    lines = summary_lines(run, [Participant(methods.card("identity"), None, None, None, "")])
    # Measures of which no cell has a value have no column.
    head, _, row = (line.split() for line in lines[1:-1])
    assert (head, row) == (["mode", "method", "accuracy"], ["label", "Identity", "0.5"])


def test_no_mean_beside_those_of_more_cells(tmp_path: Path) -> None:
    """SMIT has one cell of two: its mean would be of other attributes than StarGAN's."""
    run = RunDirectory(tmp_path)
    found = {"stargan": {"Bangs": 0.5, "Male": 0.25}, "smit": {"Bangs": 0.75}}
    write_run_record(run, dict.fromkeys(found, "method"))
    for method, values in found.items():
        for attribute, value in values.items():
            cell = CELL | {"method": method, "attribute": attribute}
            measures = {"accuracy": {"value": value, "n": 4}}
            write_bytes(run.cell_file(method, "label", attribute), to_json(cell | {"measures": measures}))
    lines = summary_lines(run, [Participant(methods.card(name), None, None, None, "") for name in found])
    rows = [line.split()[:3] for line in lines if line.startswith("label")]
    assert rows == [["label", "StarGAN", "0.375"], ["label", "SMIT", "-"]]
    assert "No mean: SMIT by label has 1 of 2 values." in lines
