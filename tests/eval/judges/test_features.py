"""The door to feature spaces; the network of "inception" has its tests in test_inception.py."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import inception_v3
from torchvision.transforms.functional import normalize, to_tensor

import bridgebench.eval.judges.features
from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier, save_classifier
from bridgebench.eval.judges.features import IMAGENET_FILE, load_extractor
from bridgebench.eval.judges.reading import read
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14


def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8)


def test_neutral_features_are_a_networks_last_layer_in_half_precision(tmp_path):
    path = tmp_path / "features.safetensors"
    save_classifier(AttributeClassifier([*CELEBA14, "drawing/yaw"], width=8, hidden=24), path, {})
    network = load_classifier(path)
    space = load_extractor("neutral", path)
    assert (space.name, space.title, space.dimension) == ("neutral", "FD (neutral features)", 24)
    assert space.digest == network.digest
    features = space(photos())
    assert features.shape == (5, 24) and features.dtype == np.float32
    np.testing.assert_array_equal(features, read(network, photos()).features.astype(np.float16))


def test_missing_weights_say_both_ways_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(bridgebench.eval.judges.features, "inception_path", lambda: tmp_path / "no.safetensors")
    wanted = r"download https://.*weights import inception .*weights\.inception.*'neutral'"
    with pytest.raises(UserError, match=wanted):
        load_extractor("inception")
    assert not list(tmp_path.iterdir())


def test_wrong_names_and_files(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'inception'"):
        load_extractor("incepton")
    with pytest.raises(UserError, match="bridgebench train features"):
        load_extractor("neutral")
    (tmp_path / "x.pt").write_bytes(b"not a model")
    with pytest.raises(UserError, match="is not a bridgebench weights file"):
        load_extractor("inception", weights=tmp_path / "x.pt")


def test_starganv2s_inception_is_torchvisions_fed_with_imagenets_normalization(tmp_path):
    """By hooks on torchvision's own network: its pooled features, of images resized and normalized here by hand."""
    torch.manual_seed(0)
    network = inception_v3(weights=None, init_weights=False, transform_input=False).eval()
    torch.save(network.state_dict(), tmp_path / IMAGENET_FILE)
    space = load_extractor("inception-imagenet", weights=tmp_path / IMAGENET_FILE)
    batch = torch.stack(
        [to_tensor(Image.fromarray(photo).resize((299, 299), Image.BILINEAR)) for photo in photos()[:1]]
    )
    caught = []
    network.avgpool.register_forward_hook(lambda module, inputs, output: caught.append(output.flatten(1)))
    with torch.no_grad():
        network(normalize(batch, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    assert (space.title, space.dimension) == ("FID (StarGAN v2's Inception)", 2048)
    np.testing.assert_allclose(space(photos()[:1]), caught[0].numpy(), rtol=1e-4, atol=1e-5)


def test_starganv2s_inception_missing_or_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(bridgebench.eval.judges.features, "imagenet_path", lambda: tmp_path / IMAGENET_FILE)
    with pytest.raises(UserError, match=r"download https://.*weights\.inception-imagenet.*'neutral'"):
        load_extractor("inception-imagenet")
    (tmp_path / "x.pth").write_bytes(b"not a model")
    with pytest.raises(UserError, match="is damaged or not a checkpoint"):
        load_extractor("inception-imagenet", weights=tmp_path / "x.pth")
