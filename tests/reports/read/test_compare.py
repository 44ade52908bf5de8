"""Two runs side by side: what keeps their numbers apart comes first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_run import EVIL, write_json, write_run

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.read.compare import compare, write_page


def test_differences_of_the_protocol_come_first(tmp_path: Path) -> None:
    one, two = (write_run(tmp_path / name, pictures=False) for name in ("one", "two"))
    same = compare(one, two).text()
    assert same.count("\n") == 0 and "have the same protocol 5e1f5e1f5e1f" in same
    record = json.loads((two / "run.json").read_text())
    record["protocol"]["features"]["digest"] = "99"
    record["protocol"]["limit"] = 10
    record["protocol_hash"] = "f" * 64
    record["packages"]["torch"] = "1.0"
    write_json(two / "run.json", record)
    lines = compare(one, two).text().splitlines()
    assert "differ in protocol" in lines[0]
    assert lines[1:4] == ["protocol:", f"  features.digest: {'cd' * 32} -> 99", "  limit: absent -> 10"]
    assert lines[4:] == ["packages:", "  torch: 2.14.0 -> 1.0"]


def test_of_one_protocol_the_means_that_differ_are_told(tmp_path: Path) -> None:
    one, two = (write_run(tmp_path / name, pictures=False) for name in ("one", "two"))
    for attribute in CELEBA14:
        path = two / "cells" / "stargan" / "label" / f"{attribute}.json"
        cell = json.loads(path.read_text())
        cell["measures"]["ssim_source"] = {"value": 0.5, "low": 0.49, "high": 0.51, "n": 500}
        write_json(path, cell)
    (found,) = compare(one, two).numbers
    assert (found.method, found.mode, found.measure) == ("StarGAN", "edits by label", "SSIM to source")
    assert (found.first, found.second, found.apart) == ("0.830", "0.500", True)  # 0.98 - 3 * 0.05, as the run is made
    assert "StarGAN, SSIM to source: 0.830 -> 0.500 (intervals apart)" in compare(one, two).text()


def test_the_page_says_what_a_line_decides_and_escapes_what_others_named(tmp_path: Path) -> None:
    one, two = (write_run(tmp_path / name, pictures=False) for name in ("one", "two"))
    record = json.loads((two / "run.json").read_text())
    record["protocol"] |= {"seed": EVIL, "new": 1}
    record["protocol_hash"] = "f" * 64
    write_json(two / "run.json", record)
    html = write_page(compare(one, two), tmp_path / "diff").read_text(encoding="utf-8")
    assert EVIL not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "From it derive references" in html and "numbers of different protocols are not comparable" in html
    assert html.index("<h2>Protocol</h2>") < html.index("<h2>Means that differ</h2>")


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run directory"):
        compare(tmp_path, tmp_path)
