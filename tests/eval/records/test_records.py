"""Records: what is read is written again with the same bytes and its seal, of every version that wrote records."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bridgebench.eval.records.manifest import FILE, Manifest
from bridgebench.eval.records.measured import Baselines, CellRecord, CostRecord
from bridgebench.eval.records.record import Record, to_json
from bridgebench.eval.records.run import RunRecord
from bridgebench.reports.publish import PUBLISHED

KINDS: dict[str, type[Record]] = {
    "run.json": RunRecord,
    "baselines.json": Baselines,
    "cells": CellRecord,
    "cost": CostRecord,
    FILE: Manifest,
}


@pytest.mark.parametrize("archive", sorted(PUBLISHED.glob("*-records.zip")), ids=lambda path: path.stem)
def test_published_records_are_written_again_with_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    files = sorted(path for path in tmp_path.rglob("*.json"))
    assert {path.relative_to(tmp_path).parts[0] for path in files} == set(KINDS)
    for path in files:
        record = KINDS[path.relative_to(tmp_path).parts[0]].read(path)
        stored = path.read_bytes()
        assert to_json(record.plain()) == stored or record.to_bytes() == stored, path  # the oldest carry no seal
