"""A run whose profile names networks: their measures are in its cells, their hashes in its protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cleanfid.fid import fid_from_feats
from prdc import compute_prdc

from bridgebench.eval.distances.kernel import KernelReal
from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier, save_classifier
from bridgebench.eval.judges.identity import embed
from bridgebench.eval.measures.deep import gaussian
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, select
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14


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


def test_the_distances_in_a_folder_s_space_are_to_the_matched_images(
    tmp_path: Path, tiny_profile: Callable[..., Path]
) -> None:
    tiny_clip(tmp_path / "clip")
    path = tiny_profile(
        ("[weights]", '[weights]\nclip = "clip"'), ("n = 12", "n = 24"), ("minimum_n = 4", "minimum_n = 6")
    )
    bench = workbench(Setup(load_profile(path), None, None, tmp_path / "run"))
    participants, _ = select(bench.setup.profile, ["identity"], has_truth=True)
    (cell,) = [each for each in all_cells(participants, ["Male"], bench.protocol.hash) if each.mode == "label"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "label", "Male", (cell,))) == []
    measures = next(bench.run.cells()).measures

    case, network = case_of(bench, "label", "Male"), bench.networks["clip"]
    target = case.targets[:, case.column]
    reals, sources = network.embed(bench.test.fresh(case.targets)), network.embed(bench.images(case.sources))
    sides = [(reals[target == value], sources[target == value], (target == value).mean()) for value in (0, 1)]
    frechet = sum(share * fid_from_feats(real, fake) for real, fake, share in sides)
    assert measures["fd_clip"].value == pytest.approx(frechet, rel=1e-3, abs=1e-6)
    kernels = sum(share * KernelReal(real, kernel=gaussian).distance(fake)[0] for real, fake, share in sides)
    assert measures["cmmd"].value == pytest.approx(kernels, rel=1e-5)
    assert measures["fd_dinov2"].reason is not None and "[weights] dinov2" in measures["fd_dinov2"].reason
    # The neighbours are taken in the run's own space.
    own = bench.extractor
    sides = [
        (own(bench.test.fresh(case.targets))[target == v], own(bench.images(case.sources))[target == v]) for v in (0, 1)
    ]
    found = [compute_prdc(real, fake, 5) for real, fake in sides]
    for part in ("precision", "recall", "density", "coverage"):
        expected = sum(each[part] * (target == value).mean() for value, each in enumerate(found))
        assert measures[part].value == pytest.approx(expected)


def tiny_clip(folder: Path) -> None:
    """Writes a CLIP of random weights, as transformers saves it."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.CLIPVisionConfig(**sizes, image_size=32, patch_size=16, projection_dim=4)
    torch.manual_seed(0)
    transformers.CLIPVisionModelWithProjection(config).save_pretrained(folder)


def test_drawn_faces_have_the_identity_that_the_feature_network_has_learnt(
    tmp_path: Path, tiny_profile: Callable[..., Path]
) -> None:
    torch.manual_seed(0)
    people = AttributeClassifier([*CELEBA14, "person/skin", "person/jaw", "person/eyes"], "resnet", 4)
    save_classifier(people, tmp_path / "people.safetensors", {})
    path = tiny_profile()
    text = path.read_text()
    path.write_text(re.sub(r'features = ".*"', 'features = "people.safetensors"', text))
    bench = workbench(Setup(load_profile(path), None, None, tmp_path / "run"))
    assert set(bench.protocol.networks) == {"identity"} and "identity" not in bench.missing_networks
    participants, _ = select(bench.setup.profile, None, has_truth=True)
    cells = [cell for cell in all_cells(participants, ["Smiling"], bench.protocol.hash) if cell.mode == "label"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "label", "Smiling", tuple(cells))) == []
    measures = {cell.method: cell.measures for cell in bench.run.cells()}
    assert measures["identity"]["identity"].value == pytest.approx(1, abs=1e-6)
    case = case_of(bench, "label", "Smiling")
    truth = bench.test.true_edit(case.sources, case.targets)
    network = load_classifier(tmp_path / "people.safetensors")
    expected = (embed(network, bench.images(case.sources)) * embed(network, truth)).sum(axis=1).mean()
    assert measures["oracle"]["identity"].value == pytest.approx(expected, abs=1e-5)


def test_a_network_that_is_named_and_not_there_ends_the_run_in_one_sentence(
    tmp_path: Path, tiny_profile: Callable[..., Path]
) -> None:
    path = tiny_profile(("[weights]", '[weights]\nclip = "clip"'))
    with pytest.raises(UserError, match=r"names .*clip, which lacks config\.json and model\.safetensors"):
        workbench(Setup(load_profile(path), None, None, tmp_path / "run"))
