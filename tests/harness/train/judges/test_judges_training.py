"""The judges' training: what it does to images, what it writes, and that the shipped judges are good enough."""

import numpy as np
import pytest
import torch

from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier
from bridgebench.eval.judges.reading import read
from bridgebench.harness.data.faces.dataset import FaceSet, load_faces
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.train.judges.corruption import corrupt
from bridgebench.harness.train.judges.scores import identity_record, score
from bridgebench.harness.train.judges.train import train_judge
from bridgebench.harness.weights.find import shipped
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.core.weights import header


def test_corruption_is_seeded_stays_in_range_and_leaves_the_input_alone():
    images = torch.rand(20, 3, 32, 40) * 2 - 1
    before = images.clone()
    first, again, other = (corrupt(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.shape == images.shape and float(first.abs().max()) <= 1
    assert torch.equal(first, again) and not torch.equal(first, other) and torch.equal(images, before)


def test_corruption_keeps_what_an_image_shows():
    """A dark left half stays a dark half, on whichever side."""
    images = torch.full((40, 3, 32, 32), 0.6)
    images[:, :, :, :16] = -0.6
    halves = corrupt(images, torch.Generator().manual_seed(0)).unflatten(3, (2, 16)).mean(dim=(1, 2, 4))
    assert (halves.max(dim=1).values - halves.min(dim=1).values > 0.6).all()


@pytest.fixture
def small_profile(tmp_path, monkeypatch):
    monkeypatch.setenv("BRIDGEBENCH_CACHE", str(tmp_path / "cache"))
    profile = load_profile("smoke")
    return profile.model_copy(update={"data": profile.data.model_copy(update={"train": 64, "test": 3})})


def test_training_writes_a_judge_with_its_card(small_profile, tmp_path):
    path = train_judge("judge", small_profile, minutes=0.02, out=tmp_path / "judge.safetensors")
    card = header(path)["card"]
    assert load_classifier(path, CELEBA14).architecture == "plain"
    assert card["seed"] == 2 and card["minutes"] < 0.2 and card["recipe"]["steps"] > 0
    for kind in ("test", "flips"):
        scores = card["scores"][kind]
        assert tuple(scores["accuracy"]) == CELEBA14 and scores["n"] == 3
        assert scores["min"] <= scores["mean"] <= 1


def test_the_feature_network_of_drawings_learns_who_is_drawn(small_profile, tmp_path):
    path = train_judge("features", small_profile, minutes=0.02, out=tmp_path / "features.safetensors")
    network, scores = load_classifier(path), header(path)["card"]["scores"]
    assert network.attributes[:14] == CELEBA14 and {"person/skin", "drawing/collar=3"} <= set(network.attributes)
    assert network.head.in_features == 64 and scores["test"]["n"] == 3
    assert scores["identity"]["n"] == 3 * 14 and 0 <= scores["identity"]["area"] <= 1


def test_an_identity_record_counts_pairs():
    """Two people: their edits are themselves, then each other's."""
    people = np.eye(2, dtype=np.float32)
    assert identity_record(people, [people]) == {"n": 2, "area": 1.0, "same": 1.0, "different": 0.0}
    assert identity_record(people, [people[::-1]]) == {"n": 2, "area": 0.0, "same": 0.0, "different": 1.0}


@pytest.mark.parametrize(("which", "minutes"), [("jugde", 1), ("judge", 0), ("judge", float("nan"))])
def test_wrong_orders_are_refused_before_anything_is_drawn(which, minutes):
    with pytest.raises(UserError, match=r"There is no network|must be more than 0"):
        train_judge(which, load_profile("smoke"), minutes)


def test_scores_are_shares_of_right_answers(tmp_path):
    """A judge that says yes to everything is right where the attribute is there."""
    judge = AttributeClassifier(CELEBA14, width=8)
    judge.head.weight.data.zero_()
    judge.head.bias.data.fill_(1)
    faces = load_faces("test", 3, 32, cache_dir=tmp_path)
    scores = score(judge, faces)
    assert list(scores["test"]["accuracy"].values()) == pytest.approx(faces.labels.mean(axis=0).tolist())
    assert list(scores["flips"]["accuracy"].values()) == pytest.approx((1 - faces.labels.mean(axis=0)).tolist())


@pytest.fixture(scope="module")
def fresh_faces(tmp_path_factory) -> FaceSet:
    return load_faces("test", 40, 64, cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("which", ["classifier", "judge"])
def test_shipped_judges_of_the_default_profile_are_good_enough(which, fresh_faces):
    path = shipped(which, "faces64")
    scores = header(path)["card"]["scores"]["test"]
    assert scores["mean"] >= 0.97 and scores["min"] >= 0.92
    present = read(load_classifier(path, CELEBA14), fresh_faces.images).logits > 0
    assert (present == (fresh_faces.labels == 1)).mean() >= 0.96


def test_the_two_shipped_judges_differ_in_architecture_and_seed():
    primary, second = (header(shipped(which, "faces64")) for which in ("classifier", "judge"))
    assert primary["config"]["architecture"] != second["config"]["architecture"]
    assert primary["card"]["seed"] != second["card"]["seed"]
