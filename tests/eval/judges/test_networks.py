"""The networks through which measures look, each against its library; all with random weights made here."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from bridgebench.eval.judges.deep import load_deep
from bridgebench.eval.judges.face_recognition import SIZE, load_dlib
from bridgebench.eval.judges.networks import Network, remembered
from bridgebench.eval.judges.perceptual import load_lpips
from bridgebench.eval.measures.identity import cosine, no_face
from bridgebench.eval.measures.lpips import lpips
from bridgebench.methods.core.errors import UserError


def images(count: int = 3, side: int = 48, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_lpips_equals_its_package(tmp_path: Path, form: str) -> None:
    package = pytest.importorskip("lpips")
    from safetensors.torch import save_file
    from torchvision.models import alexnet

    torch.manual_seed(0)
    state, path = alexnet(weights=None).state_dict(), tmp_path / f"alexnet.{form}"
    save_file(state, path) if form == "safetensors" else torch.save(state, path)
    torch.manual_seed(0)  # theirs begins with the same random backbone
    theirs = package.LPIPS(net="alex", pnet_rand=True, verbose=False)
    a, b = images(), images(seed=1)
    with torch.inference_mode():
        expected = theirs(*(torch.from_numpy(x).permute(0, 3, 1, 2) / 127.5 - 1 for x in (a, b))).flatten().numpy()
    state_before = torch.random.get_rng_state()
    network = load_lpips(path)
    assert torch.equal(state_before, torch.random.get_rng_state())
    assert lpips(network.embed(a), network.embed(b)) == pytest.approx(expected, rel=1e-4)
    assert expected.min() > 0 and lpips(network.embed(a), network.embed(a)).tolist() == [0, 0, 0]


def test_another_file_is_no_alexnet(tmp_path: Path) -> None:
    pytest.importorskip("lpips")
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="not torchvision's AlexNet"):
        load_lpips(tmp_path / "other.pth")


def test_dlib_knows_a_face_again_and_sees_none_in_noise() -> None:
    pytest.importorskip("dlib")
    from skimage.data import astronaut

    face = np.ascontiguousarray(astronaut()[:256, 96:352])
    network = load_dlib()
    found = network.embed(np.stack([face, face[:, ::-1], images(1, 256)[0]]))
    assert found.shape == (3, SIZE) and not np.isnan(found[:2]).any() and np.isnan(found[2]).all()
    assert 0.9 < cosine(found[:1], found[1:2])[0] < 1
    # The same by dlib's own pieces.
    import dlib

    (box,) = dlib.get_frontal_face_detector()(face)
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.submodule_search_locations
    models = Path(spec.submodule_search_locations[0]) / "models"
    shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))(face, box)
    recognizer = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))
    assert found[0] == pytest.approx(np.array(recognizer.compute_face_descriptor(face, shape)), abs=1e-6)


@pytest.mark.parametrize(
    ("module", "load", "extra"),
    [("lpips", lambda: load_lpips("alexnet.pth"), "lpips"), ("dlib", load_dlib, "identity")],
)
def test_a_missing_package_is_named_with_its_extra(
    module: str, load: object, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"pip install 'bridgebench\[{extra}\]'"):
        load()  # type: ignore[operator]


def test_a_batch_is_asked_once() -> None:
    asked = []

    def embed(batch: np.ndarray) -> np.ndarray:
        asked.append(len(batch))
        return batch.mean(axis=(1, 2)).astype(np.float32)

    network = remembered(Network("", embed))
    photos = images(5)
    for _ in range(2):
        assert np.array_equal(network.embed(photos), photos.mean(axis=(1, 2)).astype(np.float32))
    network.embed(photos[:4])
    assert asked == [5, 4]


def test_identity_by_hand() -> None:
    nothing = np.full((1, 2), np.nan, np.float32)
    source = np.concatenate([np.array([[3, 0], [1, 1], [1, 0]], np.float32), nothing])
    edited = np.concatenate([np.array([[1, 0], [1, -1]], np.float32), nothing, nothing])
    assert cosine(source, edited)[:2] == pytest.approx([1, 0]) and np.isnan(cosine(source, edited)[2:]).all()
    assert no_face(source, edited)[:3].tolist() == [0, 0, 1] and np.isnan(no_face(source, edited)[3])


def tiny_deep(name: str, folder: Path) -> Path:
    """A folder of a tiny DINOv2 or CLIP with random weights, as transformers saves it."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    if name == "dinov2":
        model = transformers.Dinov2Model(transformers.Dinov2Config(**sizes, image_size=28, patch_size=14))
    else:
        config = transformers.CLIPVisionConfig(
            **sizes, intermediate_size=32, image_size=32, patch_size=16, projection_dim=8
        )
        model = transformers.CLIPVisionModelWithProjection(config)
    model.save_pretrained(folder / name)
    return folder / name


@pytest.mark.parametrize(("name", "processor", "size"), [("dinov2", "BitImage", 224), ("clip", "CLIPImage", 32)])
def test_deep_spaces_equal_transformers(name: str, processor: str, size: int, tmp_path: Path) -> None:
    folder = tiny_deep(name, tmp_path)
    import transformers

    photos = images(4, 48)
    found = load_deep(name, folder).embed(photos)
    options = {"size": {"shortest_edge": size}, "crop_size": size, "resample": 3}
    if name == "dinov2":
        options |= {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    batch = getattr(transformers, f"{processor}Processor")(**options)(list(photos), return_tensors="pt")
    kind = transformers.Dinov2Model if name == "dinov2" else transformers.CLIPVisionModelWithProjection
    with torch.inference_mode():
        output = kind.from_pretrained(folder).eval()(**batch)
    expected = (output.last_hidden_state[:, 0] if name == "dinov2" else output.image_embeds).numpy()
    # Their resize rounds some pixels by a grey level.
    assert np.abs(found - expected).max() < 0.02 * expected.std(axis=0).max()


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    folder = tiny_deep("clip", tmp_path)
    with pytest.raises(UserError, match="type 'clip_vision_model', not 'dinov2'"):
        load_deep("dinov2", folder)
    with pytest.raises(UserError, match=r"lacks config\.json and model\.safetensors"):
        load_deep("dinov2", tmp_path)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="no readable JSON"):
        load_deep("clip", folder)
