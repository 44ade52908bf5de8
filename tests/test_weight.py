"""The check of the tree's weight, which is a part of `nox -s lint`."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "weight.py"


@pytest.mark.skipif(not SCRIPT.is_file(), reason="the source distribution has no .ci")
def test_what_is_too_heavy_is_named() -> None:
    complaints = runpy.run_path(str(SCRIPT))["complaints"]
    page, records = "reports/published/new.html", "reports/published/new-records.zip"
    assert complaints({"methods/zoo/a.safetensors": 8_000_000, page: 6_000_000, records: 7_000_000}) == []
    assert complaints({"methods/zoo/a.safetensors": 8_100_000}) == [
        "methods/zoo/a.safetensors has 8.1 MB, more than 8."
    ]
    assert complaints({page: 6_100_000}) == [f"{page} has 6.1 MB, more than 6."]
    assert complaints({f"{k}": 7_000_000 for k in range(13)}) == ["The tree has 91.0 MB, more than 90."]
