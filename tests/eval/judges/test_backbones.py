"""Judges of photos: torchvision's networks, held against torchvision's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from torchvision.transforms.functional import normalize

from bridgebench.eval.judges.backbones import BACKBONES, load_imagenet
from bridgebench.eval.judges.classifier import FEATURES, AttributeClassifier, load_classifier, save_classifier
from bridgebench.harness.train.features import ClassifierFeatures
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header


def classifier(architecture: str) -> AttributeClassifier:
    torch.manual_seed(0)
    return AttributeClassifier(("Male", "Bangs"), architecture).eval()


def imagenet_file(name: str, path: Path) -> torch.nn.Module:
    """torchvision's network, its state dict written as torchvision's users have it."""
    torch.manual_seed(1)
    network = torchvision.models.get_model(name, weights=None).eval()
    torch.save(network.state_dict(), path)
    return network


@pytest.mark.parametrize("architecture", BACKBONES)
def test_one_pass_on_images_of_any_size(architecture: str) -> None:
    model, images = classifier(architecture), torch.rand(2, 3, 96, 96) * 2 - 1
    assert model.trunk(images).shape == (2, BACKBONES[architecture], 3, 3)
    with torch.inference_mode():
        logits, features = model.read(images)
        assert logits.shape == (2, 2) and features.shape == (2, FEATURES)
        torch.testing.assert_close(model(images), logits)
        torch.testing.assert_close(model.features(images), features)
        assert model(images[..., :32, :32]).shape == (2, 2)


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v3_large"])
def test_imagenets_weights_give_torchvisions_maps(architecture: str, tmp_path: Path) -> None:
    model, network = classifier(architecture), imagenet_file(architecture, tmp_path / "net.pth")
    assert len(load_imagenet(model.trunk, architecture, tmp_path / "net.pth")) == 64
    images = torch.rand(2, 3, 64, 64)
    prepared = normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.inference_mode():
        stages = torch.nn.Sequential(*list(network.children())[:-2]) if architecture == "resnet18" else network.features
        expected, found = stages(prepared), model.trunk(images * 2 - 1)
    torch.testing.assert_close(found, expected, atol=1e-4 * float(expected.abs().max()), rtol=1e-3)


def test_wrong_imagenet_files_are_told_in_one_sentence(tmp_path: Path) -> None:
    trunk = classifier("resnet18").trunk
    with pytest.raises(UserError, match="no checkpoint file"):
        load_imagenet(trunk, "resnet18", tmp_path / "none.pth")
    imagenet_file("mobilenet_v3_large", tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"not those of this network; missing: conv1\.weight"):
        load_imagenet(trunk, "resnet18", tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(UserError, match="damaged"):
        load_imagenet(trunk, "resnet18", tmp_path / "text.pth")
    torch.save(torchvision.models.resnet18(), tmp_path / "object.pth")  # a pickled object instead of its tensors
    with pytest.raises(UserError, match="would run code"):
        load_imagenet(trunk, "resnet18", tmp_path / "object.pth")


def test_files_of_before_batch_norm_counted_are_taken(tmp_path: Path) -> None:
    network = torchvision.models.resnet18()
    old = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pth")
    trunk = classifier("resnet18").trunk
    load_imagenet(trunk, "resnet18", tmp_path / "old.pth")
    assert torch.equal(trunk[1].weight, network.conv1.weight)


def test_file_round_trip(tmp_path: Path) -> None:
    model, path = classifier("mobilenet_v3_large"), tmp_path / "judge.safetensors"
    model.trunk[1][1].running_var.fill_(1e6)  # beyond half precision
    save_classifier(model, path, {})
    again = load_classifier(path, ("Male", "Bangs"))
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(again(images), model(images), atol=0.02, rtol=0.02)
    assert header(path)["config"] == {"attributes": ["Male", "Bangs"], "architecture": "mobilenet_v3_large"}
    assert again.digest and again.architecture == "mobilenet_v3_large"


def test_a_backbone_has_its_own_width() -> None:
    with pytest.raises(ValueError, match="width of resnet18"):
        AttributeClassifier(("Male",), "resnet18", width=8)


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v3_large"])
def test_methods_may_look_through_it(architecture: str) -> None:
    fine, coarse = ClassifierFeatures(classifier(architecture)).maps(torch.zeros(1, 3, 64, 64))
    assert (fine.shape[2], coarse.shape[2]) == (16, 2)
