"""The edits behind a number: the right ones are chosen, and what is kept of them is what the judge and the run saw."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench import methods
from bridgebench.eval.records.details import EACH, Readings, Scores, choose, is_kept, keep
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.pictures import column_png
from bridgebench.eval.records.record import to_json
from bridgebench.harness.benchmark.plan import Cell, Participant
from bridgebench.methods.core.files import write_bytes


def cell() -> Cell:
    return Cell(Participant(methods.card("identity"), None, None, None, "bridgebench 1"), "reference", "Young", "key")


def images(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def store(run: RunDirectory, values: np.ndarray) -> None:
    count = len(values)
    source, edit = images(count, 1), images(count, 2)
    keep(
        run,
        cell().place,
        cell().key,
        "protocol",
        [f"image {i}" for i in range(count)],
        Scores("l1_true", values, np.ones(count, dtype=bool)),
        lambda rows: Readings(rows % 2, rows / 100, rows / 50, rows > 5),
        lambda rows: {"edit": edit[rows], "source": source[rows]},
        np.arange(count),
        np.arange(count)[::-1],
    )


def test_best_median_and_worst_are_those_of_the_order() -> None:
    values = np.array([0.3, 0.1, 0.9, 0.5, 0.2, 0.8, 0.4, 0.7, 0.6, 0.0])
    found = choose(Scores("l1_true", values, np.ones(10, dtype=bool)))
    assert [index for place, index in found if place == "fixed"] == list(range(8))
    assert [index for place, index in found if place == "best"] == [9, 1]
    assert [index for place, index in found if place == "median"] == [6, 3]  # 0.4 and 0.5, four on either side
    assert [index for place, index in found if place == "worst"] == [5, 2]


def test_without_a_truth_a_miss_is_worse_than_any_hit_and_equals_keep_their_order() -> None:
    values, hits = np.array([0.1, 0.1, 0.5, 0.0]), np.array([True, True, True, False])
    assert Scores("l1_source", values, hits).ranking().tolist() == [0, 1, 2, 3]


def test_a_single_edit_is_best_median_and_worst() -> None:
    found = choose(Scores("l1_true", np.array([0.5]), np.array([True])))
    assert found == [("fixed", 0), ("best", 0), ("median", 0), ("worst", 0)]


def test_the_record_says_of_every_edit_what_the_judge_said(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    store(run, np.linspace(0, 1, 20))
    record = json.loads(run.details_file("identity", "reference", "Young").read_bytes())
    assert (record["schema"], record["key"], record["measure"]) == (1, "key", "l1_true")
    worst = [one for one in record["shown"] if one["place"] == "worst"]
    assert [one["index"] for one in worst] == [18, 19]
    assert worst[1] == {
        "place": "worst",
        "index": 19,
        "id": "image 19",
        "score": 1.0,
        "target": 1,
        "before": 0.19,
        "after": 0.38,
        "hit": True,
        "reference": "image 0",
    }
    assert not record["shown"][3]["hit"]


def test_the_pictures_are_a_lossless_column_of_the_ranked_edits(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    store(run, np.linspace(0, 1, 20))
    record = json.loads(run.details_file("identity", "reference", "Young").read_bytes())
    assert record["kinds"] == ["source", "edit"]
    with Image.open(run.details_picture("identity", "reference", "Young")) as opened:
        column = np.asarray(opened)
    assert column.shape == (8 * 2 * 3 * EACH, 8, 3)
    assert np.array_equal(column[:8], images(20, 1)[0]) and np.array_equal(column[8:16], images(20, 2)[0])
    assert np.array_equal(column[-8:], images(20, 2)[19])


def test_the_same_edits_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        store(RunDirectory(tmp_path / name), np.linspace(0, 1, 20))
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in "ab"]
    assert len(files[0]) == 2
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_details_of_other_weights_or_of_an_older_form_are_made_again(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert not is_kept(run, cell().place, cell().key)
    store(run, np.linspace(0, 1, 20))
    assert is_kept(run, cell().place, cell().key)
    record = json.loads(run.details_file(*cell().place).read_bytes())
    for change in ({"key": "other"}, {"schema": 0}):
        write_bytes(run.details_file(*cell().place), to_json(record | change))
        assert not is_kept(run, cell().place, cell().key)
    write_bytes(run.details_file(*cell().place), to_json(record))
    run.details_picture(*cell().place).unlink()
    assert not is_kept(run, cell().place, cell().key)


def test_true_edits_beside_their_sources_take_little_room() -> None:
    source = images(4, 3).repeat(8, axis=1).repeat(8, axis=2) ^ images(4 * 64, 4).reshape(4, 64, 64, 3) % 8
    truth = source.copy()
    truth[:, 20:24, 20:24] = 255
    both, one = len(column_png([source, truth])), len(column_png([source]))
    assert both < 1.3 * one
    assert Image.open(io.BytesIO(column_png([source, truth]))).size == (64, 2 * 4 * 64)


@pytest.mark.parametrize("mode", ["label", "reference"])
def test_a_run_keeps_details_that_agree_with_its_measures(
    tiny_profile: Callable[..., Path], tmp_path: Path, mode: str
) -> None:
    from bridgebench.harness.benchmark.cells import Job, run_job
    from bridgebench.harness.benchmark.plan import all_cells, select
    from bridgebench.harness.benchmark.workbench import Setup, workbench
    from bridgebench.harness.profiles.profile import load_profile

    profile = load_profile(tiny_profile())
    bench = workbench(Setup(profile, None, None, tmp_path / "run"))
    entries, _ = select(profile, ["oracle"], has_truth=True)
    cells = all_cells(entries, profile.attributes, bench.protocol.hash)
    wanted = next(one for one in cells if (one.mode, one.attribute) == (mode, "Smiling"))
    assert run_job(Job(bench.setup, bench.protocol.hash, mode, "Smiling", (wanted,))) == []
    record = json.loads(bench.run.details_file(*wanted.place).read_bytes())
    assert record["kinds"] == ["source", "truth", "edit"] + (["reference"] if mode == "reference" else [])
    assert {one["score"] for one in record["shown"]} == {0.0}  # the oracle draws the true edit
    column = bench.attributes.index("Smiling")
    for one in record["shown"]:
        assert one["before"] == pytest.approx(bench.source_reading.probabilities[one["index"], column], abs=1e-6)
        assert one["target"] == 1 - bench.labels[one["index"], column]
        assert one["hit"] == ((one["after"] > 0.5) == (one["target"] == 1))
        assert (one["reference"] is None) == (mode == "label")
