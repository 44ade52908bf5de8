"""The judges: what goes in and out, their files, and how they read."""

import hashlib

import numpy as np
import pytest
import torch

from bridgebench.eval.judges.classifier import FEATURES, AttributeClassifier, load_classifier, save_classifier, to_float
from bridgebench.eval.judges.reading import Reading, read
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.core.weights import header, save_tensors


def classifier(architecture: str = "resnet", attributes: tuple[str, ...] = CELEBA14) -> AttributeClassifier:
    torch.manual_seed(0)
    return AttributeClassifier(attributes, architecture, width=8).eval()


def photos(count: int = 3, size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("architecture", ["resnet", "plain"])
@pytest.mark.parametrize("size", [32, 64, 100])
def test_any_size_and_one_pass(architecture, size):
    model, images = classifier(architecture), to_float(photos(2, size))
    logits, features = model.read(images)
    assert logits.shape == (2, 14) and features.shape == (2, FEATURES)
    torch.testing.assert_close(model(images), logits)
    torch.testing.assert_close(model.features(images), features)


def test_bad_images_and_architectures_are_refused():
    with pytest.raises(ValueError, match="at least 32"):
        classifier()(torch.zeros(1, 3, 31, 64))
    with pytest.raises(ValueError, match="architecture"):
        AttributeClassifier(CELEBA14, "transformer")


def test_float_images_span_minus_one_to_one():
    images = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    images[..., 1] = 255
    values = to_float(images)
    assert values[0, :, 5, 7].tolist() == [-1, 1, -1] and values.shape == (1, 3, 32, 32)


@pytest.mark.parametrize("architecture", ["resnet", "plain"])
def test_file_round_trip(tmp_path, architecture):
    model, path = classifier(architecture), tmp_path / "judge.safetensors"
    save_classifier(model, path, {"seed": 5})
    again = load_classifier(path, CELEBA14)
    assert header(path)["card"] == {"seed": 5} and again.architecture == architecture
    assert again.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not again.training and not any(parameter.requires_grad for parameter in again.parameters())
    images = to_float(photos())
    torch.testing.assert_close(again(images), model(images), atol=0.02, rtol=0.02)  # half precision
    save_classifier(again, tmp_path / "again.safetensors", {"seed": 5})
    twice = load_classifier(tmp_path / "again.safetensors")
    torch.testing.assert_close(twice(images), again(images), atol=0, rtol=0)


def test_wrong_files_are_told_in_one_sentence(tmp_path):
    path = tmp_path / "judge.safetensors"
    save_classifier(classifier(attributes=("Smiling", "Bangs")), path, {})
    with pytest.raises(UserError, match=r"reads Smiling, Bangs, but .* Bangs, Smiling"):
        load_classifier(path, ("Bangs", "Smiling"))
    with pytest.raises(UserError, match="no weights file"):
        load_classifier(tmp_path / "none.safetensors")
    other = tmp_path / "other.safetensors"
    save_tensors(other, {"x": torch.zeros(1)}, "stargan", {}, {})
    with pytest.raises(UserError, match="of 'stargan'"):
        load_classifier(other)
    save_tensors(other, {"x": torch.zeros(1)}, "classifier", {"attributes": ["Bangs"]}, {})
    with pytest.raises(UserError, match="do not fit its header"):
        load_classifier(other)


def test_reading_is_the_classifiers_whatever_the_batch():
    model, images = classifier(), photos(130)
    reading = read(model, images)
    with torch.inference_mode():
        logits, features = model.read(to_float(images))
    np.testing.assert_allclose(reading.logits, logits, atol=1e-5)
    np.testing.assert_allclose(reading.features, features, rtol=1e-3, atol=1e-5)  # half precision


def test_probabilities_are_the_logistic_function_without_overflow():
    logits = np.array([[-1000.0, 0.0, np.log(3), 1000.0]], dtype=np.float32)
    reading = Reading(logits, np.zeros((1, 2), dtype=np.float32))
    np.testing.assert_allclose(reading.probabilities, [[0, 0.5, 0.75, 1]], atol=1e-7)
    assert (reading.logits > 0).tolist() == [[False, False, True, True]]
