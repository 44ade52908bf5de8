"""A method that moves attributes in groups has no references of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bridgebench import methods
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, select
from bridgebench.harness.benchmark.provenance import run_record
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.homogan.editor import HomoGAN

GROUP = ["Mouth_Slightly_Open", "Smiling"]


@pytest.fixture
def bench(tmp_path: Path, tiny_profile: Callable[..., Path]) -> Workbench:
    """Twelve faces, edited by a HomoGAN of random weights and by identity."""
    torch.manual_seed(0)
    methods.save(HomoGAN(image_size=32, width=4, levels=2), tmp_path / "homogan.safetensors", {"origin": "tests"})
    profile = tiny_profile(
        ('"identity", "oracle"', '"homogan", "identity"'), ("[weights]", '[weights]\nhomogan = "homogan.safetensors"')
    )
    return workbench(Setup(load_profile(profile), None, None, tmp_path / "run"))


def test_it_gets_the_same_references_as_every_method(bench: Workbench) -> None:
    """It moves Mouth_Slightly_Open with Smiling; what that does to the mouth is its leakage."""
    entries, _ = select(bench.setup.profile, None, has_truth=True)
    cells = [cell for cell in all_cells(entries, ["Smiling"], bench.protocol.hash) if cell.mode == "reference"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "reference", "Smiling", tuple(cells))) == []
    homogan, identity = (Outcomes.read(bench.run.outcomes_file(*cell.place)) for cell in cells)
    assert (homogan.reference == identity.reference).all()
    column = CELEBA14.index("Smiling")
    assert (bench.labels[homogan.reference, column] == homogan.target_labels[:, column]).all()
    mouth = CELEBA14.index("Mouth_Slightly_Open")
    assert (bench.labels[homogan.reference, mouth] != homogan.target_labels[:, mouth]).any()
    record = run_record(bench, bench.setup.profile, entries, None).plain()
    assert GROUP in record["methods"]["homogan"]["groups"] and record["methods"]["identity"]["groups"] == []
