"""`bridgebench.run`: a benchmark from Python, and the object that stands for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.run import RunRecord
from bridgebench.harness.benchmark.finished import run_unless_finished, usual_folder
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.methods.core.notebook import facts_html

if TYPE_CHECKING:
    from pandas import DataFrame


class BenchmarkRun(os.PathLike[str]):
    """A run directory as Python sees it; a notebook shows its main tables.

    Args:
        folder: the run directory.
        failed: the cells that failed in the call that gave this object, as ``method/mode/attribute``.

    Raises:
        UserError: the folder is no run directory, or its run.json is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], failed: Sequence[str] = ()) -> None:
        self.folder, self.failed = Path(folder), tuple(failed)
        self.record: RunRecord = RunDirectory(self.folder).read_run()

    def results(self) -> DataFrame:
        """A row a cell and measure; see :func:`bridgebench.load_results`."""
        from bridgebench.reports.frames import load_results

        return load_results(self)

    def outcomes(self) -> DataFrame:
        """A row an edit; see :func:`bridgebench.load_outcomes`."""
        from bridgebench.reports.frames import load_outcomes

        return load_outcomes(self)

    def pages(self) -> Path:
        """Builds the pages, if they are not there; gives the first one.

        Raises:
            UserError: no cell is finished.
        """
        from bridgebench.harness.commands.pages import pages_of

        return pages_of(self.folder)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"BenchmarkRun({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        from bridgebench.methods.core.errors import UserError
        from bridgebench.reports.notebook import run_html

        try:
            return run_html(self.folder)
        except UserError as error:  # no cell is finished
            return facts_html(f"Benchmark {self.record.profile_name}", {"folder": self.folder, "state": error})


def run(
    profile: str | os.PathLike[str] | Profile = "faces64",
    methods: Sequence[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    limit: int | None = None,
    workers: int | None = None,
    data_root: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    say: Callable[[str], Any] = print,
) -> BenchmarkRun:
    """Runs a benchmark, as `bridgebench benchmark` does it; what is finished is not made again.

    Args:
        profile: a shipped profile's name, the path of a ``.toml`` file, or a profile from
            :func:`bridgebench.harness.profiles.profile.load_profile`.
        methods: names of the methods (or variants) to run; None: the profile's list.
        out: the run directory; None: ``runs/PROFILE`` in the working directory.
        limit: use only this many test images, the first ones; at least 2.
        workers: worker processes; None: one a core, at most 8.
        data_root: the folder in which the photos of a data set lie.
        device: where the networks compute: "cpu", or a GPU as PyTorch names it.
        say: called with each line for the user.

    Returns:
        The run. Its `failed` names the cells that failed; the next call tries them again.

    Raises:
        UserError: names are wrong, or weights or data are missing.

    Example:
        >>> run = bridgebench.run("smoke", methods=["identity", "oracle"], out="runs/first")
        >>> table = run.results()
        >>> table[table.measure == "skill"].pivot_table("value", "attribute", "method")
    """
    found = profile if isinstance(profile, Profile) else load_profile(os.fspath(profile))
    folder = usual_folder(found, limit) if out is None else Path(out)
    failed = run_unless_finished(
        found,
        folder,
        methods=None if methods is None else list(methods),
        limit=limit,
        workers=workers,
        data_root=None if data_root is None else Path(data_root),
        device=device,
        say=say,
    )
    return BenchmarkRun(folder, failed)
