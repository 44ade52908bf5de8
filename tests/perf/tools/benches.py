"""Small benchmarks of faces64 with the shipped weights, made and run without the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridgebench.eval.records.record import Mode
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import Cell, all_cells, groups, select
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile


class SmallBench:
    """A run directory and an open workbench.

    Args:
        folder: of the run.
        methods: names.
        n: test images that are edited.
        limit: test images on the real side; None: all of the profile's.
    """

    def __init__(self, folder: Path, methods: Sequence[str], n: int, limit: int | None = None) -> None:
        profile = load_profile("faces64")
        profile = profile.model_copy(update={"evaluation": profile.evaluation.model_copy(update={"n": n})})
        self.setup = Setup(profile, None, limit, folder)
        self.bench: Workbench = workbench(self.setup)
        entries, _ = select(profile, methods, has_truth=True)
        self.groups = groups(all_cells(entries, self.bench.columns, self.bench.protocol.hash))

    def open(self) -> None:
        """What is made once a run: features of the real images, readings of the sources."""
        self.bench.keep_features()

    def cells(self, mode: Mode, attribute: str) -> list[Cell]:
        """The cells of one column."""
        return self.groups[mode, attribute]

    def run(self, mode: Mode, attribute: str) -> None:
        """Edits, measures and stores them."""
        job = Job(self.setup, self.bench.protocol.hash, mode, attribute, tuple(self.cells(mode, attribute)))
        failed = run_job(job)
        assert not failed, f"cells failed: {failed}"
