"""The published pages: one file for each run, and beside it the records that its numbers come from.

``python -m bridgebench.reports.publish RUN_DIR...`` writes ``reports/published/<profile>.html`` and
``<profile>-records.zip`` (`eval.records.archive`), without the images of the run, which are in the page alone. Then it
writes the part of docs/results.md that is made from these records (`reports.words.results_page`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridgebench.eval.records.archive import archived_run, zipped
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import quote, write_bytes
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import site_of
from bridgebench.reports.words import results_page

PUBLISHED = Path(__file__).parent / "published"
TOLD, ABLATIONS = PUBLISHED / "faces64.html", PUBLISHED / "ablations.html"  # docs/results.md tells of their records
_MOST, _FACES = 6_000_000, 2  # bytes a page, and faces that it shows: the repository is to stay light


def publish(run_dir: Path, folder: Path = PUBLISHED) -> Path:
    """Writes the page of a finished run and its records; returns the page.

    Raises:
        UserError: the run directory is missing, damaged, or has cells that failed.
    """
    run = Run(run_dir)
    if run.failed:
        raise UserError(f"{run_dir} has cells that failed: run the benchmark again before it is published.")
    if run.damaged:
        raise UserError(f"{run_dir} has damaged files: run the benchmark again before it is published.")
    name = quote(run.record.profile_name)  # a stranger's may be a path
    page = folder / f"{name}.html"
    write_bytes(folder / f"{name}-records.zip", zipped(run.directory))
    write_bytes(page, single_file(site_of(run, _FACES), _MOST))
    return page


@contextmanager
def records_of(page: Path) -> Iterator[Run]:
    """The run whose records lie beside a published page.

    Raises:
        UserError: the records are missing, damaged or changed.
    """
    with archived_run(page.with_name(f"{page.stem}-records.zip")) as folder:
        yield Run(folder)


def main(folders: Sequence[str]) -> int:
    """Publishes run directories and writes the part of docs/results.md anew; returns the exit code."""
    try:
        for each in folders:
            print(publish(Path(each)))
        with records_of(TOLD) as told, records_of(ABLATIONS) as ablations:
            results_page.update(told, ablations)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
