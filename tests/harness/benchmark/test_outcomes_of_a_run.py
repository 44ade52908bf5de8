"""The outcomes of a cell say what its record says: every mean is computed again from them, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, is_done, select
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile

Write = Callable[..., Path]

ANEW = """
import json, sys
from pathlib import Path
import numpy as np
from bridgebench.eval.records.outcomes import Outcomes

found = Outcomes.read(Path(sys.argv[1]))
means = {}
for name, values in found.values.items():
    each = [values[found.source == source].astype(float) for source in dict.fromkeys(found.source.tolist())]
    known = [np.nanmean(rows) for rows in each if not np.isnan(rows).all()]
    means[name] = [float(np.mean(known)), len(known)] if known else None
same = found.source_labels == found.target_labels
change = np.abs(found.after.astype(float) - found.before)
print(json.dumps([means, (change * same).sum(axis=0).tolist(), same.sum(axis=0).tolist(), "torch" in sys.modules]))
"""


@pytest.fixture
def bench(tiny_profile: Write, tmp_path: Path) -> Workbench:
    return workbench(Setup(load_profile(tiny_profile()), None, None, tmp_path / "run"))


@pytest.mark.parametrize("mode", ["label", "reference"])
def test_every_mean_of_a_cell_can_be_computed_again_without_torch(bench: Workbench, mode: str) -> None:
    participants, _ = select(bench.setup.profile, None, has_truth=True)
    wanted = [cell for cell in all_cells(participants, ["Bangs"], bench.protocol.hash) if cell.mode == mode]
    assert run_job(Job(bench.setup, bench.protocol.hash, mode, "Bangs", tuple(wanted))) == []
    for cell in wanted:
        path = bench.run.outcomes_file(*cell.place)
        said = subprocess.run([sys.executable, "-c", ANEW, str(path)], capture_output=True, text=True, check=True)
        means, changes, counts, torch = json.loads(said.stdout)
        assert torch is False
        record = CellRecord.read(bench.run.cell_file(*cell.place))
        of_edits = {name: found for name, found in record.measures.items() if found.low is not None}
        assert {"accuracy", "accuracy_second", "leakage", "l1_source", "l1_true"} <= set(of_edits)
        for name, found in of_edits.items():
            assert means[name] == [pytest.approx(found.value, rel=1e-12, abs=1e-15), found.n], name
        leakage = [record.measures["leakage_by"].values[name] for name in bench.attributes]
        for value, change, count in zip(leakage, changes, counts, strict=True):
            assert value == (pytest.approx(change / count, rel=1e-12) if count else None)


def test_the_outcomes_name_the_images_and_give_the_features_that_were_measured(bench: Workbench) -> None:
    participants, _ = select(bench.setup.profile, None, has_truth=True)
    cell = next(
        c for c in all_cells(participants, ["Male"], bench.protocol.hash) if c.place[:2] == ("identity", "label")
    )
    assert run_job(Job(bench.setup, bench.protocol.hash, "label", "Male", (cell,))) == []
    found = Outcomes.read(bench.run.outcomes_file(*cell.place))
    assert found.source.tolist() == list(range(12)) and (found.reference == -1).all()
    assert (found.source_labels == bench.labels[:12]).all()
    assert (found.features == np.asarray(bench.test_features[:12])).all(), "identity's edits are the sources"
    record = CellRecord.read(bench.run.cell_file(*cell.place))
    again = bench.instruments.reals.statistics().distance(found.features.astype(np.float32))
    assert again == record.measures["fd_paper"].value
    assert is_done(cell, bench.run)
    bench.run.outcomes_file(*cell.place).unlink()
    assert not is_done(cell, bench.run)
