"""The published pages: one file a run, and the records behind its numbers: the one can be checked by the other.

``python -m bridgebench.reports.publish RUN_DIR...`` writes ``reports/published/<profile>.html`` and
``<profile>-records.zip``: run.json, the baselines, the cells and the costs. The images of a run are in the page alone,
for they are ten times as large. Then it writes the part of the README that is made from these records
(`reports.words.readme`).
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import render, site_of
from bridgebench.reports.words import readme

PUBLISHED = Path(__file__).parent / "published"
TOLD, ABLATIONS = PUBLISHED / "faces64.html", PUBLISHED / "ablations.html"  # the README tells of their records
MOST = 12_500_000  # bytes a page: all pages and their records stay below 32 MB in the repository
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same records give the same zip


def publish(run_dir: Path, folder: Path = PUBLISHED) -> Path:
    """Writes the page of a finished run and its records; returns the page.

    Raises:
        UserError: the run directory is missing, damaged, or has cells that failed.
    """
    run = Run(run_dir)
    if run.failed:
        raise UserError(f"{run_dir} has cells that failed: run the benchmark again before it is published.")
    name = run.record.profile_name
    page = folder / f"{name}.html"
    write_bytes(folder / f"{name}-records.zip", _zipped(run.directory))
    write_bytes(page, single_file(site_of(run), MOST))
    return page


def differences(page: Path) -> list[str]:
    """What a published page shows in tables but the current code does not make of its records, and the reverse.

    Raises:
        UserError: the records are missing or damaged.
    """
    with records_of(page) as run:
        files = render(run)
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


@contextmanager
def records_of(page: Path) -> Iterator[Run]:
    """The run whose records lie beside a published page.

    Raises:
        UserError: the records are missing or damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(page.with_name(f"{page.stem}-records.zip")) as archive:
            archive.extractall(folder)
        yield Run(Path(folder))


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


def _zipped(run: RunDirectory) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted([run.run_file, run.baselines_file, *run.cell_files(), *run.cost_files()]):
            archive.writestr(zipfile.ZipInfo(path.relative_to(run.root).as_posix(), _MOMENT), path.read_bytes())
    return buffer.getvalue()


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(publish(Path(each)))
    with records_of(TOLD) as told, records_of(ABLATIONS) as ablations:
        readme.update(told, ablations)
