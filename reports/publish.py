"""The published pages: one file for each run, and beside it the records that its numbers come from.

``python -m bridgebench.reports.publish RUN_DIR...`` writes ``reports/published/<profile>.html`` and
``<profile>-records.zip`` (`eval.records.archive`), without the images of the run, which are in the page alone. Then it
writes the parts of docs/results.md that are made from records (`reports.words.results_page`). The records of the
ablations leave the repository again with their release archive, so their part is written only where they are at hand:
just published, or named as ``ablations-records.zip``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bridgebench.eval.records.archive import archived_run, zipped
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import quote, write_bytes
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import site_of
from bridgebench.reports.words import results_page

PUBLISHED = Path(__file__).parent / "published"
TOLD, ABLATIONS = "faces64-records.zip", "ablations-records.zip"  # docs/results.md tells of these records
_MOST, _FACES = 6_000_000, 2  # bytes a page, and faces that it shows: the repository is to stay light


def publish(run_dir: Path, folder: Path = PUBLISHED) -> Path:
    """Writes the page of a finished run and its records; returns the page.

    Of images that may not be passed on, it shows what networks made of them alone.

    Raises:
        UserError: the run directory is missing, damaged, or has cells that failed.
    """
    run = Run(run_dir, for_others=True)
    if run.failed:
        raise UserError(f"{run_dir} has cells that failed: run the benchmark again before it is published.")
    if run.damaged:
        raise UserError(f"{run_dir} has damaged files: run the benchmark again before it is published.")
    name = quote(run.record.profile_name)  # a stranger's may be a path
    page = folder / f"{name}.html"
    write_bytes(folder / f"{name}-records.zip", zipped(run.directory))
    write_bytes(page, single_file(site_of(run, _FACES), _MOST))
    return page


def main(named: Sequence[str]) -> int:
    """Publishes run directories and writes the parts of docs/results.md anew; returns the exit code."""
    ablations = PUBLISHED / ABLATIONS
    try:
        for path in map(Path, named):
            if path.name == ABLATIONS:
                ablations = path
            else:
                print(publish(path))
        with archived_run(PUBLISHED / TOLD) as folder:
            page = results_page.with_comparison(results_page.PAGE.read_text(encoding="utf-8"), Run(folder))
        if ablations.is_file():
            with archived_run(ablations) as folder:
                page = results_page.with_parts(page, Run(folder))
        write_bytes(results_page.PAGE, page.encode())
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
