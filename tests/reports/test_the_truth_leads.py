"""On the embedded sets the true edits lead what ranks methods; a build in which they do not has a bug of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridgebench.eval.measures.counterfactual import SKILL
from bridgebench.eval.records.archive import archived_run
from bridgebench.reports.publish import PUBLISHED
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run

# The controls that a measure leaves out: each was made to cheat in it.
CHEATS = {"skill": (), "accuracy": ("attack", "copy"), "accuracy_second": ("copy",), "distance": ("copy",)}


@pytest.fixture(scope="module", params=["faces64", "animals64"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """The published records of an embedded set."""
    with archived_run(PUBLISHED / f"{request.param}-records.zip") as folder:
        yield Run(folder)


@pytest.mark.parametrize("measure", CHEATS)
def test_no_method_is_before_the_true_edits_in_any_column(run: Run, measure: str) -> None:
    key = ("fd_target" if run.space.exclusive else "fd_matched") if measure == "distance" else measure
    sign = -1 if measure == "distance" else 1
    compared = 0
    for (protocol, method, mode, column), cell in run.cells.items():
        found = cell.measures.get(key)
        if method in ("oracle", *CHEATS[measure]) or found is None or found.value is None:
            continue
        truth = run.cells[protocol, "oracle", mode, column].measures[key]
        assert truth.value is not None
        assert sign * truth.value >= sign * found.value, (method, mode, column)
        compared += 1
    assert compared >= 30


def test_doing_nothing_has_no_skill_and_the_truth_has_all_of_it(run: Run) -> None:
    """An attack, which changes nothing that can be seen, has about as much as doing nothing; copies of faces harm."""
    for (_, method, _, _), cell in run.cells.items():
        if method in ("identity", "oracle"):
            assert cell.measures["skill"].value == (1 if method == "oracle" else 0)
        elif method == "copy" and not run.space.exclusive:
            assert (cell.measures["skill"].value or 0) < 0
    label, reference = (Results(run, run.record.protocol_hash, mode).means(SKILL)[0] for mode in ("label", "reference"))
    attack = label["attack"].value
    assert attack is not None and abs(attack) < 0.05
    if not run.space.exclusive:
        assert (reference["copy"].value or 0) < -1
