"""bridgebench from Python: light to import, a run as a call, results as data frames, objects that show themselves."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bridgebench
from bridgebench import methods
from bridgebench.eval.measures.card import Family, MeasureCard
from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.harness.benchmark import plan, runner
from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.reports import frames

ROOT = Path(__file__).parents[3]
ATTRIBUTES = ("Smiling", "Bangs")


def some_cells(*given: object) -> list[plan.Cell]:
    """The cells of two attributes: all fourteen would take longer."""
    return [cell for cell in plan.all_cells(*given) if cell.attribute in ATTRIBUTES]


@pytest.fixture(scope="module")
def run(write_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> bridgebench.BenchmarkRun:
    """A small run of the identity and the oracle."""
    folder, said = tmp_path_factory.mktemp("api"), list[str]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "all_cells", some_cells)
        found = bridgebench.run(
            str(write_tiny(folder)), methods=["identity", "oracle"], out=folder / "run", workers=1, say=said.append
        )
    assert any("8 cells" in line for line in said)
    return found


def test_importing_the_package_is_light() -> None:
    code = "import sys, bridgebench; print(sorted({'torch', 'pandas', 'numpy', 'pydantic'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert {"run", "load_results", "load_outcomes", "fetch"} <= set(dir(bridgebench))
    with pytest.raises(AttributeError, match="has no attribute 'runs'"):
        _ = bridgebench.runs  # type: ignore[attr-defined]


def test_results_have_a_row_a_cell_and_measure_with_the_records_numbers(run: bridgebench.BenchmarkRun) -> None:
    assert run.failed == ()
    results = bridgebench.load_results(run)
    assert list(results.columns) == list(frames.RESULTS)
    pd.testing.assert_frame_equal(results, run.results())
    files = RunDirectory(run.folder).cell_files()
    cells = [json.loads(path.read_text()) for path in files]
    assert len(cells) == 8
    assert len(results[results["of"] == ""]) == sum(
        not measure.get("values") for cell in cells for measure in cell["measures"].values()
    )
    for cell in cells:
        rows = results[(results.method == cell["method"]) & (results["mode"] == cell["mode"])]
        rows = rows[rows.attribute == cell["attribute"]].set_index("measure")
        for key in ("skill", "accuracy", "l1_true"):
            row, measure = rows.loc[key], cell["measures"][key]
            assert (row.value, row.low, row.high, row.n) == tuple(
                measure[part] for part in ("value", "low", "high", "n")
            )
        assert set(rows.protocol_hash) == {cell["protocol_hash"]} and set(rows.kind) == {"flip"}
        assert (rows.loc["l1_true"].direction, rows.loc["l1_true"].unit) == ("lower", "% of the range")
        assert rows.loc["lpips_true"].reason.startswith("LPIPS needs") and np.isnan(rows.loc["lpips_true"].value)
        by = rows.loc["leakage_by"].set_index("of").value
        assert by.dropna().to_dict() == {
            k: v for k, v in cell["measures"]["leakage_by"]["values"].items() if v is not None
        }
    assert set(results.method_kind) == {"control"}
    summary = list(csv.DictReader(RunDirectory(run.folder).summary_file.read_text().splitlines()))
    means = results[results.measure == "skill"].groupby("method").value.mean()
    for method in ("identity", "oracle"):
        theirs = [float(row["skill"]) for row in summary if row["method"] == method]
        assert means[method] == pytest.approx(np.mean(theirs))


def test_outcomes_have_a_row_an_edit(run: bridgebench.BenchmarkRun) -> None:
    outcomes = bridgebench.load_outcomes(run.folder)
    assert len(outcomes) == 8 * 12
    kept = Outcomes.read(RunDirectory(run.folder).outcomes_file("oracle", "label", "Bangs"))
    rows = outcomes[(outcomes.method == "oracle") & (outcomes["mode"] == "label") & (outcomes.attribute == "Bangs")]
    assert rows.source.tolist() == kept.source.tolist() and set(rows.flipped) == {"Bangs"}
    assert rows.l1_true.tolist() == kept.values["l1_true"].tolist() and set(rows.skin) <= {0, 1, 2}
    accuracy = bridgebench.load_results(run).query(
        "measure == 'accuracy' and attribute == 'Bangs' and method == 'oracle'"
    )
    by_mode = outcomes[(outcomes.method == "oracle") & (outcomes.attribute == "Bangs")].groupby("mode").right.mean()
    assert accuracy.set_index("mode").value.to_dict() == pytest.approx(by_mode.to_dict())


def test_archives_are_read_like_folders(run: bridgebench.BenchmarkRun, tmp_path: Path) -> None:
    archive = tmp_path / "a-records.zip"
    archive.write_bytes(zipped(RunDirectory(run.folder)))
    pd.testing.assert_frame_equal(bridgebench.load_results(archive), run.results())
    assert len(bridgebench.load_outcomes(archive)) == len(run.outcomes())


def test_a_second_call_makes_nothing_again(run: bridgebench.BenchmarkRun, write_tiny: Callable[..., Path]) -> None:
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "all_cells", some_cells)
        path = run.folder.parent / "tiny.toml"
        again = bridgebench.run(path, ["identity"], run.folder, workers=1, say=said.append)
    assert os.fspath(again) == str(run.folder) and any("4 cells, 4 of them done before" in line for line in said)


def test_what_is_wrong_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="is not a run directory"):
        bridgebench.load_results(tmp_path)
    with pytest.raises(UserError, match="There is no profile 'smok'"):
        bridgebench.run("smok", out=tmp_path / "run")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"bridgebench\[pandas\]"):
        bridgebench.load_results(tmp_path)


def test_a_run_shows_itself(run: bridgebench.BenchmarkRun) -> None:
    html = run._repr_html_()
    assert "Benchmark tiny" in html and "Edits by label" in html and "<th>Oracle</th>" in html and "Skill" in html
    assert run.pages().is_file() and repr(run).startswith("BenchmarkRun('")


def test_cards_and_editors_show_themselves_and_escape_everything() -> None:
    nasty = "<script>alert(1)</script>"
    card = MethodCard(
        name="n", title=nasty, modes=frozenset({"label"}), kind="method", paper=nasty, summary="a & b", editor="a:B"
    )
    measure = MeasureCard(key="k", family=Family("f", 1), title=nasty, about=nasty)
    editor = methods.load("identity")
    editor.attributes = (nasty,)
    for shown in (card, measure, editor):
        html = shown._repr_html_()
        assert "<script" not in html and "&lt;script&gt;" in html
    assert "a &amp; b" in card._repr_html_()


def test_the_notebook_runs(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    path = ROOT / "examples" / "benchmark.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear the outputs before you commit"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(ROOT))
        patched.setenv("OMP_NUM_THREADS", "1")
        patched.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        client = nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}})
        client.execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    html = "".join(output.get("data", {}).get("text/html", "") for output in shown)
    assert "Benchmark smoke" in html and "BridgeGAN" in html
    table = next(
        output["data"]["text/plain"] for output in shown if "attribute" in str(output.get("data", {}).get("text/plain"))
    )
    assert "oracle" in table and (tmp_path / "runs" / "smoke" / "run.json").is_file()
