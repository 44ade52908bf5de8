"""The provenance page tells how well the judges read, as far as their cards can be believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_run import write_run

from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.pages.provenance import judge_tables
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build


def scores() -> dict[str, Any]:
    return {
        "n": 1234,
        "mean": 0.9,
        "min": 0.9,
        "accuracy": dict.fromkeys(CELEBA14, 0.9),
        "balanced": {**dict.fromkeys(CELEBA14, 0.8), "Gray_Hair": None},
        "calibration": {
            "error": dict.fromkeys(CELEBA14, 0.0312),
            "brier": dict.fromkeys(CELEBA14, 0.0712),
            "mean_error": 0.0312,
            "mean_brier": 0.0712,
            "bins": {"count": [10, 0], "predicted": [0.25, None], "observed": [0.2, None]},
        },
    }


def run_with(folder: Path, test: Any) -> Path:
    root = write_run(folder / "run", pictures=False)
    record = json.loads((root / "run.json").read_text())
    record["judges"]["primary"]["card"] = {"scores": {"test": test}}
    (root / "run.json").write_text(json.dumps(record))
    return root


def test_accuracy_and_calibration_stand_beside_each_other(tmp_path: Path) -> None:
    root = run_with(tmp_path, scores())
    (table,) = judge_tables(Run(root))  # the second judge's card says nothing
    grey, mean = (next(line for line in table.attributes if line.name == name) for name in ("Gray Hair", "Mean"))
    assert grey.numbers == ("90.0 %", "–", "3.1 %", "0.071") and mean.numbers[1] == "80.0 %"  # noqa: RUF001
    assert [line.name.replace(" ", "_") for line in table.attributes[:-1]] == list(CELEBA14)
    assert [line.name for line in table.bins] == ["0 to 50 %", "50 to 100 %"]
    assert table.bins[0].numbers == ("10", "25.0 %", "20.0 %") and table.bins[1].numbers[0] == "0"
    page = (build(root).parent / "provenance.html").read_text()
    assert "How well it reads real images: First judge" in page and "1,234 test images" in page


@pytest.mark.parametrize(
    "change",
    [
        {"calibration": None},
        {"mean": 7},
        {"accuracy": ["<script>"]},
        {"calibration": scores()["calibration"] | {"bins": {"count": [1], "predicted": [], "observed": [0.5]}}},
    ],
    ids=["none", "out of range", "no table", "bins of different lengths"],
)
def test_a_card_that_cannot_be_believed_is_left_out(change: dict[str, Any], tmp_path: Path) -> None:
    root = run_with(tmp_path, scores() | change)
    assert judge_tables(Run(root)) == []
    assert "How well it reads" not in (build(root).parent / "provenance.html").read_text()
