"""A method that moves attributes in groups: its references agree with the target on the group, and are kept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bridgebench import methods
from bridgebench.harness.benchmark.cases import case_of, redrawn
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, select
from bridgebench.harness.benchmark.provenance import run_record
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.labels import BEARDS, CELEBA14
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


def test_its_references_agree_on_the_group(bench: Workbench) -> None:
    entries, _ = select(bench.setup.profile, None, has_truth=True)
    editor = bench.editor(entries[0])
    columns = [CELEBA14.index(name) for name in GROUP]
    case, usual = case_of(bench, "reference", "Smiling", editor), case_of(bench, "reference", "Smiling")
    assert case.references is not None and usual.references is not None
    assert (bench.labels[case.references][:, columns] == case.targets[:, columns]).all()
    assert (bench.labels[usual.references][:, columns] != usual.targets[:, columns]).any()
    again = redrawn(bench, "reference", "Smiling", editor, 1).references
    assert again is not None and (bench.labels[again][:, columns] == case.targets[:2, columns]).all()
    # A flip's repairs are part of the target: a beard goes when No_Beard comes.
    beards = [CELEBA14.index(name) for name in BEARDS]
    assert (
        not case_of(bench, "reference", "No_Beard", editor)
        .targets[:, beards]
        .any(axis=1)[bench.labels[: bench.n, CELEBA14.index("No_Beard")] == 0]
        .any()
    )


def test_the_run_says_so_and_shows_them(bench: Workbench) -> None:
    entries, _ = select(bench.setup.profile, None, has_truth=True)
    cells = [cell for cell in all_cells(entries, ["Smiling"], bench.protocol.hash) if cell.mode == "reference"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "reference", "Smiling", tuple(cells))) == []
    record = run_record(bench, bench.setup.profile, entries, None).plain()
    assert GROUP in record["methods"]["homogan"]["groups"] and record["methods"]["identity"]["groups"] == []
    assert "groups" in record["protocol"]["references"]
    case = case_of(bench, "reference", "Smiling", bench.editor(entries[0]))
    assert case.references is not None

    def strip(path: Path) -> np.ndarray:
        with Image.open(io.BytesIO(path.read_bytes())) as opened:
            return np.asarray(opened).reshape(32, 8, 32, 3).swapaxes(0, 1)

    assert (strip(bench.run.reference_sample("Smiling", "homogan")) == bench.images(case.references[:8])).all()
    truth = bench.test.true_edit(case.sources[:8], case.targets[:8], case.references[:8], attribute="Smiling")
    assert (strip(bench.run.truth_sample("reference", "Smiling", "homogan")) == truth).all()
    assert not bench.run.reference_sample("Smiling", "identity").exists()
    details = json.loads(bench.run.details_file("homogan", "reference", "Smiling").read_bytes())
    assert [one["reference"] for one in details["shown"][:8]] == [bench.test.ids[i] for i in case.references[:8]]
