"""What docs/results.md tells of the comparison is made from the published records."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_run import write_run

from bridgebench.reports.publish import ABLATIONS, TOLD, records_of
from bridgebench.reports.read.run import Run
from bridgebench.reports.words.results_page import BEGIN, END, PAGE, updated


def test_the_page_tells_what_the_published_records_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    with records_of(TOLD) as run, records_of(ABLATIONS) as ablations:
        assert updated(text, run, ablations) == text  # else: python -m bridgebench.reports.publish


def test_only_its_own_part_is_written_anew(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path / "run", pictures=False))
    made = updated(f"# A project\n\n{BEGIN}\nold words\n\n{END}\nThe rest.\n", run, run)
    assert made.startswith(f"# A project\n\n{BEGIN}\nMade from the records of `reports/published/faces64.html`")
    assert "old words" not in made
    assert made.endswith(f"\n\n{END}\nThe rest.\n") and made.count("## ") == 2
    assert (
        "- Edits by label: BridgeGAN is first by the second judge" in made and max(map(len, made.splitlines())) <= 120
    )
    assert updated(made, run, run) == made
    with pytest.raises(ValueError):
        updated("no such part", run, run)
