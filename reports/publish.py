"""The published pages: one file for each run, and beside it the records that its numbers come from.

``python -m bridgebench.reports.publish RUN_DIR...`` writes ``reports/published/<profile>.html`` and
``<profile>-records.zip``: run.json, the baselines, the cells, the outcomes of their single edits, what is kept of the
matched real images, and the costs. The images of a run are in the page alone, because they are ten times as large as
the cells. Then it writes the part of the README that is made from these records (`reports.words.readme`).
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import site_of
from bridgebench.reports.words import readme

PUBLISHED = Path(__file__).parent / "published"
TOLD, ABLATIONS = PUBLISHED / "faces64.html", PUBLISHED / "ablations.html"  # the README tells of their records
_MOST = 12_500_000  # bytes a page: all pages and their records stay below 32 MB in the repository
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
    write_bytes(page, single_file(site_of(run), _MOST))
    return page


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


def _zipped(run: RunDirectory) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(
            [
                run.run_file,
                run.baselines_file,
                *run.cell_files(),
                *run.outcomes_files(),
                *run.reals_files(),
                *run.cost_files(),
            ]
        ):
            archive.writestr(zipfile.ZipInfo(path.relative_to(run.root).as_posix(), _MOMENT), path.read_bytes())
    return buffer.getvalue()


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(publish(Path(each)))
    with records_of(TOLD) as told, records_of(ABLATIONS) as ablations:
        readme.update(told, ablations)
