"""The published pages show what the current code makes of their records."""

from __future__ import annotations

from pathlib import Path

import pytest
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.publish import PUBLISHED, differences, publish
from fake_run import write_run


@pytest.mark.parametrize("page", sorted(PUBLISHED.glob("*.html")), ids=lambda page: page.stem)
def test_published_pages_are_what_the_code_makes_of_their_records(page: Path) -> None:
    assert differences(page) == []


def test_the_published_pages_fit_the_repository() -> None:
    assert sum(path.stat().st_size for path in PUBLISHED.iterdir()) <= 32_000_000
    assert {"faces64", "animals64", "ablations"} <= {path.stem for path in PUBLISHED.glob("*.html")}


def test_a_changed_number_is_found(tmp_path: Path) -> None:
    page = publish(_sound(tmp_path), tmp_path / "published")
    assert differences(page) == []
    text = page.read_text()
    page.write_text(text.replace("Leakage", "Seepage"))
    assert differences(page)


def test_a_run_with_failed_cells_is_not_published(tmp_path: Path) -> None:
    run = _sound(tmp_path)
    error = next((run / "cells").glob("*/*/*.json")).with_suffix(".error.txt")
    error.write_text("by order")
    with pytest.raises(UserError, match="failed"):
        publish(run, tmp_path / "published")
    assert not (tmp_path / "published").exists()


def _sound(folder: Path) -> Path:
    run = write_run(folder / "run")
    for error in (run / "cells").glob("*/*/*.error.txt"):
        error.unlink()
    return run
