"""Measuring reads images and keeps edits a batch at a time, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bridgebench.eval.judges.reading
import bridgebench.harness.benchmark.cells
from bridgebench import methods
from bridgebench.eval.records.pictures import STRIP
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.edits import TrueEdits
from bridgebench.harness.benchmark.plan import all_cells, select
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.labels import CELEBA14

BATCH = 5


class Watched:
    """Images that note how many were asked for at once, and refuse to be read as a whole."""

    def __init__(self, images: Any) -> None:
        self.images, self.most = images, 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        found = self.images[index]
        self.most = max(self.most, len(found) if found.ndim == 4 else 1)
        return found

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("all images were read at once")


@pytest.fixture
def bench(tmp_path: Path, tiny_profile: Callable[..., Path]) -> Workbench:
    return workbench(Setup(load_profile(tiny_profile(("n = 12", "n = 0"))), None, None, tmp_path / "run"))


def test_no_more_than_a_batch_is_read_at_once(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridgebench.eval.judges.reading, "BATCH", BATCH)
    monkeypatch.setattr(bridgebench.harness.benchmark.cells, "BATCH", BATCH)
    watched = Watched(bench.test.images)
    monkeypatch.setattr(bench, "test", replace(bench.test, images=watched))
    entries, _ = select(bench.setup.profile, ["oracle"], has_truth=True)
    cells = [cell for cell in all_cells(entries, ["Smiling"], bench.protocol.hash) if cell.mode == "reference"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "reference", "Smiling", tuple(cells))) == []
    assert 0 < watched.most <= STRIP < bench.n == 24
    assert next(bench.run.cells()).plain()["measures"]["l1_true"] | {"low": 0, "high": 0} == {
        "value": 0,
        "low": 0,
        "high": 0,
        "n": 24,
    }


def test_a_true_edit_is_drawn_once(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    case = case_of(bench, "label", "Bangs").take(np.array([3, 7, 3, 1]))
    truth = TrueEdits(bench, case)
    draw = type(bench.test).true_edit

    def counted(test: Any, sources: Any, targets: Any, looks: Any) -> Any:
        drawn.extend(sources.tolist())
        return draw(test, sources, targets, looks)

    monkeypatch.setattr(type(bench.test), "true_edit", counted)
    first = truth.of(case)
    assert sorted(drawn) == [1, 3, 7] and (first[0] == first[2]).all()
    again = truth.of(case.take(slice(None, None, -1)))
    assert len(drawn) == 3 and (again == first[::-1]).all()


def test_editors_are_kept_only_while_they_are_small(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Path(__file__)  # its size is all that is looked at
    entries = [replace(entry, weights=None) for entry in select(bench.setup.profile, None, has_truth=True)[0]]
    large = [replace(entry, weights=weights) for entry in entries]
    first, second = (bench.editor(entry) for entry in entries)
    assert bench.editor(entries[0]) is first and bench.editor(entries[1]) is second
    monkeypatch.setattr(
        "bridgebench.methods.load", lambda name, path, device: methods.editor_class(name)(attributes=CELEBA14)
    )
    monkeypatch.setattr("bridgebench.harness.benchmark.loaded_methods._MOST_WEIGHTS", weights.stat().st_size)
    bench.editors.loaded.clear()
    first, second = (bench.editor(entry) for entry in large)
    assert bench.editor(large[1]) is second and bench.editor(large[0]) is not first
