"""Two runs side by side: what keeps their numbers apart comes first."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from methods.errors import UserError
from reports.compare import compare

sys.path.insert(0, str(Path(__file__).parent))
from fake_run import write_json, write_run


def test_differences_of_the_protocol_come_first(tmp_path: Path) -> None:
    one, two = (write_run(tmp_path / name, pictures=False) for name in ("one", "two"))
    same = compare(one, two)
    assert same.count("\n") == 0 and "have the same protocol 5e1f5e1f5e1f" in same
    record = json.loads((two / "run.json").read_text())
    record["protocol"]["features"]["digest"] = "99"
    record["protocol"]["limit"] = 10
    record["protocol_hash"] = "f" * 64
    record["packages"]["torch"] = "1.0"
    write_json(two / "run.json", record)
    lines = compare(one, two).splitlines()
    assert "differ in protocol" in lines[0]
    assert lines[1:4] == ["protocol:", f"  features.digest: {'cd' * 32} -> 99", "  limit: absent -> 10"]
    assert lines[4:] == ["packages:", "  torch: 2.14.0 -> 1.0"]


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run directory"):
        compare(tmp_path, tmp_path)
