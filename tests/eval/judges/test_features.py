"""The door to feature spaces; Inception's is tried on a stand-in of the same file format."""

import numpy as np
import pytest
import torch
from cleanfid.inception_torchscript import InceptionV3W
from cleanfid.resize import build_resizer
from PIL import Image
from torch import nn
from torchvision.models import inception_v3
from torchvision.transforms.functional import normalize, to_tensor

import bridgebench.eval.judges.features
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.features import IMAGENET_FILE, INCEPTION_FILE, load_extractor
from bridgebench.eval.judges.reading import read
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14


class StandIn(nn.Module):
    """Looks like clean-fid's file from outside: ``layers`` maps (N, 3, 299, 299) to (N, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 2048))


def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8)


def test_attribute_features_are_the_judges_last_layer():
    judge = AttributeClassifier(CELEBA14, width=8).eval()
    judge.digest = "abc"
    space = load_extractor("attributes", classifier=judge)
    assert (space.name, space.title, space.digest) == ("attributes", "FD (attribute features)", "abc")
    features = space(photos())
    assert features.shape == (5, space.dimension) and features.dtype == np.float32
    np.testing.assert_array_equal(features, read(judge, photos()).features)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_inception_is_clean_fids(tmp_path):
    torch.jit.script(StandIn()).save(str(tmp_path / INCEPTION_FILE))
    space = load_extractor("inception", weights=tmp_path / INCEPTION_FILE)
    resize = build_resizer("clean")
    batch = np.stack([resize(image) for image in photos()]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = InceptionV3W(str(tmp_path), download=False)(torch.from_numpy(batch)).numpy()
    assert (space.title, space.dimension, len(space.digest)) == ("FID", 2048, 64)
    np.testing.assert_allclose(space(photos()), expected, rtol=1e-5, atol=1e-5)


def test_missing_weights_say_both_ways_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(bridgebench.eval.judges.features, "inception_path", lambda: tmp_path / INCEPTION_FILE)
    with pytest.raises(UserError, match=r"download https://.*weights\.inception.*'attributes'"):
        load_extractor("inception")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wrong_names_and_files(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'inception'"):
        load_extractor("incepton")
    with pytest.raises(UserError, match="needs the attribute classifier"):
        load_extractor("attributes")
    (tmp_path / "x.pt").write_bytes(b"not a model")
    with pytest.raises(UserError, match="is not clean-fid's Inception"):
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
    with pytest.raises(UserError, match=r"download https://.*weights\.inception-imagenet.*'attributes'"):
        load_extractor("inception-imagenet")
    (tmp_path / "x.pth").write_bytes(b"not a model")
    with pytest.raises(UserError, match="is not torchvision's Inception"):
        load_extractor("inception-imagenet", weights=tmp_path / "x.pth")
