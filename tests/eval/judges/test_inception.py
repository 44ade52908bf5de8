"""The Inception of the standard FID, against pytorch-fid's network and against clean-fid's way to run it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from cleanfid.inception_torchscript import InceptionV3W
from cleanfid.resize import build_resizer
from pytorch_fid import inception as pytorch_fid
from torch import nn
from torchvision.models import inception_v3

from bridgebench.eval.judges.features import load_extractor
from bridgebench.eval.judges.inception import Inception, digest_of, load_inception
from bridgebench.eval.judges.inception_official import FILE, import_inception
from bridgebench.harness.weights.official import import_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.official.torchscript import is_torchscript, read_torchscript

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def fill(network: nn.Module) -> nn.Module:
    """Gives a network random weights that keep the size of activations, and other statistics in each channel."""
    draw = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.ndim == 4:
            tensor.copy_(torch.randn(tensor.shape, generator=draw) * (2 / tensor[0].numel()) ** 0.5)
        elif name.endswith(("beta", "bias", "mean")):
            tensor.copy_(torch.randn(tensor.shape, generator=draw) / 10)
        elif name.endswith("var"):
            tensor.copy_(torch.rand(tensor.shape, generator=draw) + 0.5)
    return network.eval()


class WithClasses(nn.Module):
    """A network laid out as the file of clean-fid: its layers with the last pooling, and the layer of classes."""

    def __init__(self, network: Inception) -> None:
        super().__init__()
        self.layers = network.layers
        self.layers.add_module("pool2", nn.AvgPool2d(8))
        self.output = nn.Linear(2048, 8)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.output(self.layers(images).flatten(1))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript file in the layout of clean-fid's."""
    path = tmp_path_factory.mktemp("program") / FILE
    torch.jit.trace(WithClasses(fill(Inception())), torch.zeros(1, 3, 299, 299), check_trace=False).save(str(path))
    return path


def photos(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)


def clean_fids(folder: Path) -> np.ndarray:
    """The features that clean-fid's own code finds with the program in a folder."""
    resize = build_resizer("clean")
    batch = np.stack([resize(image) for image in photos()]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        return InceptionV3W(str(folder), download=False)(torch.from_numpy(batch)).numpy()


def test_the_network_is_pytorch_fids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # torchvision's network has the same tensors as pytorch-fid's, which only pools otherwise.
    weights = fill(inception_v3(weights=None, init_weights=False, aux_logits=False, num_classes=1008)).state_dict()
    monkeypatch.setattr(pytorch_fid, "load_state_dict_from_url", lambda *_, **__: weights)
    theirs = pytorch_fid.InceptionV3(resize_input=False, normalize_input=False).eval()
    torch.save(weights, tmp_path / "pt_inception.pth")
    ours = import_inception(tmp_path / "pt_inception.pth")
    images = torch.rand(2, 3, 299, 299, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        expected, found = theirs(images)[0].flatten(1), ours(images)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_features_are_clean_fids(program: Path, tmp_path: Path) -> None:
    file = import_weights("inception", [program], tmp_path / "inception.safetensors")
    space = load_extractor("inception", weights=file)
    expected = clean_fids(program.parent)
    assert (space.title, space.dimension, expected.std() > 0.01) == ("FID", 2048, True)
    np.testing.assert_allclose(space(photos()), expected, rtol=2e-3, atol=1e-4)  # ours are rounded to half precision
    assert space.digest == digest_of(fill(Inception())) != digest_of(Inception())


def test_tensors_of_a_program_are_read_without_it(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = torch.jit.load(str(program)).state_dict()
    monkeypatch.setattr(torch.jit, "load", None)
    assert is_torchscript(program)
    found = read_torchscript(program)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_fields_that_are_no_tensors_are_passed_over(tmp_path: Path) -> None:
    """A scripted network also has lists, tuples and texts, which a traced one has not."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.Linear(4, 2))
    torch.jit.script(network).save(str(tmp_path / "a.pt"))
    found = read_torchscript(tmp_path / "a.pt")
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.skipif("BRIDGEBENCH_INCEPTION" not in os.environ, reason="$BRIDGEBENCH_INCEPTION names no file")
def test_the_real_weights_give_clean_fids_features(tmp_path: Path) -> None:
    """The variable names clean-fid's file, which this test lets clean-fid run."""
    shutil.copy(os.environ["BRIDGEBENCH_INCEPTION"], tmp_path / FILE)
    file = import_weights("inception", [tmp_path / FILE], tmp_path / "inception.safetensors")
    np.testing.assert_allclose(
        load_extractor("inception", weights=file)(photos()), clean_fids(tmp_path), rtol=2e-3, atol=1e-4
    )


def test_other_networks_are_refused(tmp_path: Path, program: Path) -> None:
    scaled = fill(inception_v3(weights=None, init_weights=False))
    nn.init.constant_(scaled.Mixed_5b.branch1x1.bn.weight, 0.5)
    torch.save(scaled.state_dict(), tmp_path / "scaled.pth")
    with pytest.raises(UserError, match=r"Mixed_5b\.branch1x1\.bn\.weight is not all ones"):
        import_inception(tmp_path / "scaled.pth")
    torch.jit.script(nn.BatchNorm2d(4)).save(str(tmp_path / "other.pt"))
    with pytest.raises(UserError, match=r"The tensors of .*other\.pt are not those of this network; missing: layers"):
        import_weights("inception", [tmp_path / "other.pt"], tmp_path / "out.safetensors")
    with pytest.raises(UserError, match="from one file, and has no attributes"):
        import_weights("inception", [program], tmp_path / "out.safetensors", ["Young"])
    with pytest.raises(UserError, match=r"is a TorchScript program.*weights import inception"):
        load_extractor("inception", weights=program)
    with pytest.raises(UserError, match="holds weights of 'classifier', not of Inception"):
        load_inception(Path("methods/zoo/classifier-smoke.safetensors").resolve())
    assert not (tmp_path / "out.safetensors").exists()
