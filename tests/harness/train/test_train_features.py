"""A training that looks through a network is lent the profile's guide; its card and its checkpoint name it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier, save_classifier
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train import loop
from bridgebench.harness.train.features import ClassifierFeatures, lend_features
from bridgebench.harness.weights.find import network_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header, load_tensors

TINY = {"width": 4, "levels": 2, "batch_size": 4, "iterations": 4, "warmup": 1, "encoder_every": 2}


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    smoke = load_profile("smoke")
    save_classifier(AttributeClassifier(smoke.attributes, width=8), tmp_path / "guide.safetensors", {})
    data = smoke.data.model_copy(update={"train": 24, "validation": 8})
    weights = {"guide": str(tmp_path / "guide.safetensors")}
    return smoke.model_copy(update={"data": data, "train": {**smoke.train, "homogan": TINY}, "weights": weights})


def test_maps_are_those_of_the_trunk(profile: Profile) -> None:
    classifier = load_classifier(network_weights("guide", profile))
    features, images = ClassifierFeatures(classifier), torch.rand(2, 3, 32, 32) * 2 - 1
    fine, coarse = features.maps(images)
    torch.testing.assert_close(coarse, classifier.trunk(images))
    torch.testing.assert_close(fine, classifier.trunk[:5](images))
    assert torch.equal(fine, features.fine(images))
    assert (fine.shape[2], coarse.shape[2]) == (8, 4)
    assert features.name == f"attribute classifier (SHA-256 {classifier.digest[:16]})"


@pytest.mark.parametrize("architecture", ["resnet", "plain"])
def test_maps_of_either_family(architecture: str) -> None:
    features = ClassifierFeatures(AttributeClassifier(["Male"], architecture, width=4).eval())
    fine, coarse = features.maps(torch.zeros(1, 3, 64, 64))
    assert (fine.shape[2], coarse.shape[2]) == (16, 8)


def test_other_trainings_are_lent_nothing(profile: Profile) -> None:
    assert lend_features(object(), profile, torch.device("cpu")) is None


def test_a_resumed_run_looks_through_the_same_network(profile: Profile, tmp_path: Path) -> None:
    shorter = profile.model_copy(update={"train": {"homogan": {**TINY, "iterations": 2}}})
    whole = loop.train("homogan", profile, out=tmp_path / "whole")
    loop.train("homogan", shorter, out=tmp_path / "stopped")
    resumed = loop.train("homogan", profile, out=tmp_path / "stopped", resume=True)
    expected, found = load_tensors(whole), load_tensors(resumed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    name = header(whole)["card"]["feature_network"]
    assert name == f"attribute classifier (SHA-256 {load_classifier(network_weights('guide', profile)).digest[:16]})"
    save_classifier(AttributeClassifier(profile.attributes), tmp_path / "other.safetensors", {})
    other = profile.model_copy(update={"weights": {"guide": str(tmp_path / "other.safetensors")}})
    with pytest.raises(UserError, match="another feature_network"):
        loop.train("homogan", other, out=tmp_path / "stopped", resume=True)
