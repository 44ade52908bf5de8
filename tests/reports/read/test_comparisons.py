"""Paired tests over the outcomes of a run: what is compared, and what is corrected together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_outcomes import write_outcomes
from fake_run import EVIL, write_json, write_run

from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.statistics.paired import differences, holm
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_outcomes(write_run(tmp_path_factory.mktemp("run"), pictures=False))


def label(folder: Path) -> Results:
    run = Run(folder)
    return Results(run, run.record.protocol_hash, "label")


def test_differences_are_those_of_the_means_and_corrected_for_all_pairs(folder: Path) -> None:
    results = label(folder)
    found, means = results.compared(ACCURACY), results.means(ACCURACY)[0]
    assert found is not None
    methods = ["bridgegan", "stargan", EVIL]
    pairs = [pair for pair in found.pairs if {*pair} <= {*methods}]
    assert len(pairs) == 3
    for one, other in pairs:
        difference = found.pairs[one, other].difference
        assert difference.value == pytest.approx(means[one].value - means[other].value, abs=1e-3)
        assert difference.low < difference.value < difference.high and difference.n == 500
    read = {
        name: [results.run.outcomes(name, "label", column).values["accuracy"] for column in results.run.columns]
        for name in methods
    }
    plain = differences(read, [np.arange(500)] * 14, shares=True)
    corrected = dict(zip(plain, holm([one.p for one in plain.values()]), strict=True))
    assert {pair: found.between(*pair).difference.p for pair in corrected} == pytest.approx(corrected)


def test_a_control_is_compared_with_each_method_and_with_no_other_control(folder: Path) -> None:
    found = label(folder).compared(ACCURACY)
    assert found is not None
    assert found.better(ACCURACY, "oracle", "bridgegan") == 1 == -found.better(ACCURACY, "identity", "bridgegan")
    assert found.between("oracle", "identity") is None


def test_in_a_column_all_pairs_and_columns_are_corrected_together(folder: Path) -> None:
    results = label(folder)
    found = results.compared_in(ACCURACY)
    assert list(found) == [*results.run.columns]
    ps = [one.difference.p for column in found.values() for one in column.pairs.values()]
    assert len(ps) == 3 * 14 and min(ps) == pytest.approx(42 / 20_000)


def test_a_distance_has_no_value_of_an_edit_and_so_no_test(folder: Path) -> None:
    assert label(folder).compared(FD_PAPER) is None and label(folder).compared_in(FD_PAPER) == {}


def test_records_that_lack_outcomes_say_so(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", pictures=False)
    results = label(old)
    assert results.compared(ACCURACY) is None and "do not hold the outcomes" in results.run.untested
    write_outcomes(old)
    assert Run(old).untested == ""
    place = ("bridgegan", "label", "Smiling")
    damaged = RunDirectory(old).outcomes_file(*place)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    results = label(old)
    assert "of 1 of " in results.run.untested and results.compared(ACCURACY) is None
    damaged.write_bytes(whole)
    kept = Outcomes.read(damaged)
    assert label(old).run.outcomes(*place) is not None
    type(kept)(**{**vars(kept), "key": "another"}).write(damaged)
    assert label(old).run.outcomes(*place) is None


def test_variants_are_not_compared(folder: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    record = json.loads((run / "run.json").read_text())
    record["methods"]["stargan"]["variant_of"] = "bridgegan"
    write_json(run / "run.json", record)
    results = label(write_outcomes(run))
    found = results.compared(ACCURACY)
    assert found is not None and not [pair for pair in found.pairs if "stargan" in pair]
    table = results.by_measure([ACCURACY], "k", "t", "a")
    marked = {row.title: row.cells[0].mark for row in table.groups[0].rows}
    assert marked["StarGAN"] is None and "best" in marked.values()
