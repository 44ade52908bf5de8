"""The published pages show what the current code makes of their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_run import write_run

from bridgebench.eval.records.archive import archived_run
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.publish import PUBLISHED, publish
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import render


@pytest.mark.parametrize("page", sorted(PUBLISHED.glob("*.html")), ids=lambda page: page.stem)
def test_published_pages_are_what_the_code_makes_of_their_records(page: Path) -> None:
    assert differences(page) == []


def test_the_published_pages_fit_the_repository() -> None:
    assert sum(path.stat().st_size for path in PUBLISHED.iterdir()) <= 32_000_000
    assert {"faces64", "animals64"} <= {path.stem for path in PUBLISHED.glob("*.html")}


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


def differences(page: Path) -> list[str]:
    """What a published page shows in tables but the current code does not make of its records, and the reverse."""
    with archived_run(page.with_name(f"{page.stem}-records.zip")) as folder:
        files = render(Run(folder))
    made = Counter(
        table
        for path, data in files.items()
        if path.endswith(".html") and not path.startswith(("cells/", "figures"))
        for table in tables_of(data.decode())
    )
    shown = Counter(tables_of(page.read_text(encoding="utf-8")))
    return [f"only in {page.name}: {table[:80]}" for table in shown - made] + [
        f"only made now: {table[:80]}" for table in made - shown
    ]


def tables_of(page: str) -> Iterator[str]:
    """The words and numbers of each table of an HTML document that shows no pictures, cells between bars."""
    reader = _Tables()
    reader.feed(page)
    yield from (words for words, pictures in reader.found if not pictures)


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._inside = True
            self.found.append(("", False))
        elif self._inside and tag == "img":
            self.found[-1] = (self.found[-1][0], True)
        elif self._inside and tag in ("td", "th"):
            self._add("|")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._add(data.strip())

    def _add(self, words: str) -> None:
        self.found[-1] = (self.found[-1][0] + words, self.found[-1][1])
