"""What docs/results.md tells of the comparison is made from the published records.

What it tells of the ablations is made from the records in their archive: tests/harness/weights/test_archives.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_run import write_run

from bridgebench.eval.records.archive import archived_run
from bridgebench.reports.publish import PUBLISHED, TOLD
from bridgebench.reports.read.run import Run
from bridgebench.reports.words.results_page import COMPARISON, PAGE, PARTS, READ_ON, with_comparison, with_parts


def test_the_page_tells_what_the_published_records_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    with archived_run(PUBLISHED / TOLD) as folder:
        assert with_comparison(text, Run(folder)) == text  # else: python -m bridgebench.reports.publish


def test_only_its_own_part_is_written_anew(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path / "run", pictures=False))
    made = with_comparison(f"# A project\n\n{COMPARISON}\nold words\n\n{PARTS}\nparts\n\n{READ_ON}\nThe rest.\n", run)
    assert made.startswith(f"# A project\n\n{COMPARISON}\nMade from the records of `reports/published/faces64.html`")
    assert "old words" not in made
    assert made.endswith(f"\n\n{PARTS}\nparts\n\n{READ_ON}\nThe rest.\n") and made.count("## ") == 3
    assert (
        "- Edits by label: BridgeGAN is first by the second judge" in made and max(map(len, made.splitlines())) <= 120
    )
    assert with_comparison(made, run) == made
    with pytest.raises(ValueError):
        with_comparison("no such part", run)
    with pytest.raises(ValueError, match="without variants"):
        with_parts(made, run)
