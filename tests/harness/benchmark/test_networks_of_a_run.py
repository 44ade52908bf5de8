"""A run whose profile names networks: their measures are in its cells, their hashes in its protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, select
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError


def test_a_named_network_is_looked_through_and_the_others_are_dashes_that_tell_how(
    tmp_path: Path, tiny_profile: Callable[..., Path]
) -> None:
    pytest.importorskip("lpips")
    from torchvision.models import alexnet

    torch.save(alexnet(weights=None).state_dict(), tmp_path / "alexnet.pth")
    path = tiny_profile(("[weights]", '[weights]\nlpips = "alexnet.pth"'), ("image_size = 32", "image_size = 64"))
    bench = workbench(Setup(load_profile(path), None, None, tmp_path / "run"))
    digest = bench.protocol.networks["lpips"]
    assert set(bench.protocol.networks) == {"lpips"} and len(digest) == 64
    participants, _ = select(bench.setup.profile, None, has_truth=True)
    cells = [cell for cell in all_cells(participants, ["Smiling"], bench.protocol.hash) if cell.mode == "label"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "label", "Smiling", tuple(cells))) == []
    measures = {cell.method: cell.measures for cell in bench.run.cells()}
    assert measures["identity"]["lpips_source"].value == measures["oracle"]["lpips_true"].value == 0
    assert measures["identity"]["lpips_true"].value == measures["oracle"]["lpips_source"].value > 0
    assert 'identity = "dlib"' in measures["oracle"]["identity"].reason
    assert "no_face" not in measures["oracle"]


def test_a_network_that_is_named_and_not_there_ends_the_run_in_one_sentence(
    tmp_path: Path, tiny_profile: Callable[..., Path]
) -> None:
    path = tiny_profile(("[weights]", '[weights]\nclip = "clip"'))
    with pytest.raises(UserError, match=r"names .*clip, which lacks config\.json and model\.safetensors"):
        workbench(Setup(load_profile(path), None, None, tmp_path / "run"))
