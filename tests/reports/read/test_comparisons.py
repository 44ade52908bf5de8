"""Paired tests over the outcomes of a run: what is compared, and what is corrected together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_outcomes import write_outcomes
from fake_run import EVIL, write_cell, write_json, write_run

from bridgebench.eval.measures.accuracy import ACCURACY, SECOND
from bridgebench.eval.measures.counterfactual import SKILL
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord, Measured
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.statistics.paired import differences, holm
from bridgebench.eval.statistics.ratios import linear
from bridgebench.reports.paper.added import task_of
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


def test_skill_over_columns_is_a_ratio_of_sums_with_interval_and_test(tmp_path: Path) -> None:
    folder = write_outcomes(write_run(tmp_path / "run", pictures=False))
    directory, random = RunDirectory(folder), np.random.default_rng(0)
    units = {column: (0.01 + place) * random.gamma(2, 0.5, 500) for place, column in enumerate(Run(folder).columns)}
    sums: dict[str, float] = {}
    for path in directory.cell_files():
        cell = CellRecord.read(path)
        if cell.mode != "label" or "skill" not in cell.measures:
            continue
        file, unit = directory.outcomes_file(cell.method, cell.mode, cell.attribute), units[cell.attribute]
        amounts = unit * random.normal(-0.5 if cell.method == "stargan" else 0.3, 0.2, 500)
        sums[cell.method] = sums.get(cell.method, 0.0) + amounts.sum()
        values = linear(amounts, unit).astype(np.float32)
        kept = Outcomes.read(file)
        whole = {"idle_squares": unit.astype(np.float32)}
        replace(kept, values={**kept.values, "skill": values}, units=whole).write(file)
        measured = Measured(value=float(values.mean(dtype=float)), low=-1, high=1, n=500, unit=float(unit.mean()))
        cell.model_copy(update={"measures": {**cell.measures, "skill": measured}, "files": {}}).write(path)
    results, total = label(folder), sum(unit.sum() for unit in units.values())
    means, compared = results.means(SKILL)[0], results.compared(SKILL)
    for name in ("bridgegan", "stargan"):
        found = means[name]
        assert found.value == pytest.approx(sums[name] / total, abs=1e-5)
        assert found.low is not None and found.high is not None and found.low < found.value < found.high
        assert found.high - found.low < 0.1  # the average of the columns' bounds would be -1 to 1
    assert compared is not None and compared.better(SKILL, "bridgegan", "stargan") == 1
    apart = compared.between("bridgegan", "stargan")
    assert apart is not None
    assert apart.difference.value == pytest.approx((sums["bridgegan"] - sums["stargan"]) / total, abs=1e-5)
    head = results.by_measure([SKILL], "k", "t", "a").heads[0]
    assert head.small.endswith("over all 14")


def test_methods_stand_by_the_second_judge(folder: Path) -> None:
    results = label(folder)
    values = [results.means(SECOND)[0][name].value for name in results.kind("method")]
    known = [value for value in values if value is not None]
    assert len(known) > 1 and known == sorted(known, reverse=True) and values[: len(known)] == known
    rows = [row.title for row in results.by_measure([ACCURACY], "k", "t", "a").groups[0].rows]
    assert rows == [results.run.called(name) for name in results.kind("method")]


def test_cells_that_only_add_are_tested_too(folder: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    record = json.loads((run / "run.json").read_text())
    names = {f"{column}-added": "added" for column in Run(run).columns}
    write_json(run / "run.json", record | {"kinds": names})
    for name, share in (("bridgegan", 0.9), ("stargan", 0.4)):
        for cell in names:
            measured = {"value": share, "low": share - 0.1, "high": share + 0.1, "n": 60}
            write_cell(run, name, "reference", cell, {"accuracy_second": measured})
    read = Run(write_outcomes(run))
    added = task_of(Results(read, read.record.protocol_hash, "reference"), "table1_accuracy_celeba")
    compared = added.compared(SECOND)
    assert compared is not None and compared.better(SECOND, "bridgegan", "stargan") == 1
    assert set(added.compared_in(SECOND)) == set(read.columns)


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
