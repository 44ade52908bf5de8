"""HomoGAN small: the feature network that it looks through while it trains."""

from __future__ import annotations

import copy

import pytest
import torch
import torchvision
from tiny_homogan import ATTRIBUTES, COUNT, SIDE, TINY, Grey, batches, changed, smooth_images

from bridgebench import methods
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import save_tensors
from bridgebench.methods.homogan.features import VggFeatures
from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_images()


def test_without_a_feature_network_it_does_not_start(data):
    made = methods.start_training("homogan", TINY, ATTRIBUTES, SIDE, COUNT, 0)
    assert made.feature_network is None
    with pytest.raises(UserError, match="needs a feature network"):
        made.step(batches(data), torch.Generator())
    made.attach_features(Grey())
    assert made.feature_network == "grey"
    assert not any("features" in name for name in made.state_dict() if not name.startswith("editor."))


@pytest.fixture(scope="module")
def vgg() -> torch.nn.Sequential:
    """torchvision's VGG-19 up to relu5_1, random."""
    torch.manual_seed(0)
    with torch.device("meta"):
        layers = torchvision.models.vgg19(weights=None).features[:30]
    layers.to_empty(device="cpu")
    for parameter in layers.parameters():
        parameter.data.uniform_(-1, 1).mul_((6 / parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.1)
    return layers


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_torchvision_s_weights(tmp_path, vgg, suffix):
    path = tmp_path / f"vgg19.{suffix}"
    state = {f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}
    state |= {"features.30.bias": torch.zeros(2), "classifier.6.weight": torch.zeros(2)}
    if suffix == "pth":
        torch.save(state, path)
    else:
        save_tensors(path, state, "vgg", {}, {})
    features, images = VggFeatures(path), torch.rand(1, 3, 32, 32) * 2 - 1
    assert features.name.startswith(f"VGG-19 (vgg19.{suffix}, SHA-256 ")
    fine, coarse = features.maps(images)
    assert torch.equal(fine, features.fine(images))
    shown = torchvision.transforms.functional.normalize((images + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        torch.testing.assert_close(fine, vgg[:12](shown), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(coarse, vgg(shown), rtol=1e-4, atol=1e-4)


def test_vgg_starts_an_encoder_of_its_width(tmp_path, vgg, data):
    path = tmp_path / "vgg19.pth"
    torch.save({f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}, path)
    table = {**TINY, "features": str(path), "batch_size": 2, "warmup": 1}
    narrow = methods.start_training("homogan", table, ATTRIBUTES, SIDE, COUNT, 0)
    assert narrow.feature_network is not None
    assert not narrow.pretrained
    made = methods.start_training("homogan", {**table, "width": 64}, ATTRIBUTES, SIDE, COUNT, 0)
    assert torch.equal(made.editor.encoder.features_1.conv3_1.weight, vgg[10].weight)
    before = copy.deepcopy(made.editor.encoder)
    made.step(lambda: Batch(*(part[:2] for part in data)), torch.Generator())
    assert changed(before, made.editor.encoder) == set()  # the decoder learns to invert VGG-19's own features


def test_other_files_than_vgg(tmp_path):
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg11.pth")
    with pytest.raises(UserError, match=r"vgg11\.pth .*missing: features\.0\.bias"):
        VggFeatures(tmp_path / "vgg11.pth")
