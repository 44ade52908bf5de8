"""A small share of what `fuzz.py` feeds to the readers of foreign files."""

from __future__ import annotations

from pathlib import Path

from fuzz import fuzz


def test_damaged_files_are_read_or_refused_in_words(tmp_path: Path) -> None:
    found = fuzz(500, seed=7, keep=tmp_path)
    assert sum(sum(outcomes.values()) for outcomes in found.values()) == 500
    assert not [reader for reader, outcomes in found.items() if outcomes["bug"]]
    assert sum(outcomes["refused"] for outcomes in found.values()) > 200
