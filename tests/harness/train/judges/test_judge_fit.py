"""The judges' trainings: killed ones go on to the same weights, and early ones stop with the best state."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.eval.judges.reading import read
from bridgebench.harness.data.open import open_split
from bridgebench.harness.processes.stopping import Stopped
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train.checkpoint import FILE
from bridgebench.harness.train.judges import fit as judge_fit
from bridgebench.harness.train.judges.corruption import corrupt
from bridgebench.harness.train.judges.recipe import judge_recipe
from bridgebench.harness.train.judges.train import train_judge
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header, load_tensors

COUNTED = {"epochs": 2, "batch_size": 16}


def small(recipe: dict, which: str = "classifier") -> Profile:
    profile = load_profile("smoke")
    data = profile.data.model_copy(update={"train": 48, "validation": 8, "test": 2})
    return profile.model_copy(update={"data": data, "train": {which: recipe}})


def after(monkeypatch: pytest.MonkeyPatch, iteration: int, act: Callable[[judge_fit.JudgeFit], object]) -> None:
    """Calls `act` when a fit has made so many steps."""
    step = judge_fit.JudgeFit.step

    def stepping(fit: judge_fit.JudgeFit) -> None:
        step(fit)
        if fit.progress.iteration == iteration:
            act(fit)

    monkeypatch.setattr(judge_fit.JudgeFit, "step", stepping)


class Killed(Exception):
    pass


@pytest.mark.parametrize("architecture", ["resnet", "efficientnet_b0"])  # the second one drops whole blocks at random
def test_a_killed_training_goes_on_to_the_same_weights(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = small({**COUNTED, "architecture": architecture, "crop": 0.8})
    whole = train_judge("classifier", profile, out=tmp_path / "whole")

    def kill(fit: judge_fit.JudgeFit) -> None:
        fit.save(tmp_path / "killed")
        fit.step()  # not in the checkpoint
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        after(patched, 4, kill)
        train_judge("classifier", profile, out=tmp_path / "killed")
    resumed = train_judge("classifier", profile, out=tmp_path / "killed", resume=True)
    expected, found = load_tensors(whole), load_tensors(resumed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    cards = [header(path)["card"] for path in (whole, resumed)]
    assert cards[0]["best"] == cards[1]["best"] and cards[0]["scores"] == cards[1]["scores"]
    assert cards[0]["ended"] == "all epochs done" and cards[0]["recipe"]["steps"] == 6


def test_a_signal_saves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile, file = small(COUNTED), tmp_path / "mine.safetensors"
    with monkeypatch.context() as patched, pytest.raises(Stopped, match="--resume"):
        after(patched, 2, lambda fit: os.kill(os.getpid(), signal.SIGTERM))
        train_judge("classifier", profile, out=file)
    assert not file.exists() and (tmp_path / "mine" / FILE).is_file()
    with pytest.raises(UserError, match=r"is in .*mine already; go on with --resume"):
        train_judge("classifier", profile, out=file)
    with pytest.raises(UserError, match="started with another recipe"):
        train_judge("classifier", small({**COUNTED, "crop": 0.5}), out=file, resume=True)
    assert train_judge("classifier", profile, out=file, resume=True) == file and file.is_file()


def test_nothing_to_resume_and_a_damaged_checkpoint_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no training run to resume"):
        train_judge("classifier", small(COUNTED), out=tmp_path, resume=True)
    (tmp_path / FILE).write_bytes(b"half a file")
    with pytest.raises(UserError, match="is damaged"):
        train_judge("classifier", small(COUNTED), out=tmp_path, resume=True)


def test_early_stopping_keeps_the_best_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation is best after two of ten epochs: training ends three epochs later, with that state."""
    kept: dict[int, np.ndarray] = {}
    profile = small({**COUNTED, "epochs": 10, "patience": 3})
    validate = judge_fit.JudgeFit.validate

    def spoiled(fit: judge_fit.JudgeFit) -> None:
        before = fit.best
        fit.best = judge_fit.Best()
        validate(fit)
        epoch = fit.progress.iteration // 3
        kept[epoch] = fit.best.state["head.weight"].numpy() if fit.best.state else np.empty(0)
        fit.best.loss = abs(epoch - 2)
        fit.best = fit.best if fit.best.loss < before.loss else before

    monkeypatch.setattr(judge_fit.JudgeFit, "validate", spoiled)
    path = train_judge("classifier", profile, out=tmp_path)
    card = header(path)["card"]
    assert card["ended"] == "no lower validation loss for 3 epochs" and card["epochs"] == 5
    assert card["best"]["epoch"] == 2 and sorted(kept) == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(load_tensors(path)["head.weight"], kept[2], atol=1e-3)


def test_the_card_says_how_it_went_and_how_far_probabilities_can_be_believed(tmp_path: Path) -> None:
    profile = small(COUNTED)
    path = train_judge("classifier", profile, out=tmp_path)
    card, judge = header(path)["card"], load_classifier(path)
    assert card["curves"]["losses"] is not None and card["first_weights"] == "random"
    scores = card["scores"]["test"]
    assert set(scores["calibration"]["error"]) == set(scores["balanced"]) == set(profile.attributes)
    assert sum(scores["calibration"]["bins"]["count"]) == 2 * len(profile.attributes)
    test = open_split(profile, "test")
    right = (read(judge, test.images).logits > 0) == (test.labels == 1)
    assert scores["mean"] == pytest.approx(right.mean())  # what is scored is what the file holds
    brier = ((read(judge, test.images).probabilities - test.labels) ** 2).mean()
    assert scores["calibration"]["mean_brier"] == pytest.approx(brier, rel=1e-3)


def test_imagenets_weights_are_where_training_starts(tmp_path: Path) -> None:
    network = torchvision.models.resnet18()
    torch.save(network.state_dict(), tmp_path / "net.pth")
    recipe = {"architecture": "resnet18", "weights": str(tmp_path / "net.pth"), "learning_rate": 1e-9, "epochs": 1}
    path = train_judge("classifier", small(recipe), out=tmp_path / "run")
    torch.testing.assert_close(load_tensors(path)["trunk.1.weight"], network.conv1.weight, atol=1e-3, rtol=1e-2)
    assert header(path)["card"]["first_weights"].startswith("ImageNet's, SHA-256 ")


@pytest.mark.parametrize("name", ["celeba128", "afhq256", "faces64", "animals64", "smoke"])
def test_the_two_judges_of_every_profile_are_of_different_architectures(name: str) -> None:
    profile = load_profile(name)
    first, second = (judge_recipe(which, profile) for which in ("classifier", "judge"))
    assert first.architecture != second.architecture


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"architecture": "plain"}, r"same architecture, 'plain'"),
        ({"architecture": "resnet9"}, r"\[train.classifier\]: architecture = 'resnet9' does not fit"),
        ({"patients": 3}, r"unknown key 'patients'. Did you mean 'patience'"),
        ({"weights": "net.pth"}, r"ImageNet weights, which 'resnet' cannot take"),
        ({"architecture": "resnet18", "weights": "none.pth"}, r"no checkpoint file none.pth"),
    ],
)
def test_wrong_recipes_are_told_in_one_sentence(recipe: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        train_judge("classifier", small(recipe), minutes=1, out=tmp_path / "run")
    assert not (tmp_path / "run" / FILE).exists()


def test_crops_keep_most_of_the_image_at_its_size_and_its_colours() -> None:
    """On an image whose red says the row and whose green the column, a crop is a window of the two."""
    ramp = torch.linspace(-0.7, 0.7, 64)
    image = torch.stack([ramp[:, None].expand(64, 64), ramp.expand(64, 64), torch.full((64, 64), 0.5)])
    images = image.expand(40, 3, 64, 64).contiguous()
    first, again = (corrupt(images, torch.Generator().manual_seed(3), crop=0.7) for _ in range(2))
    assert torch.equal(first, again) and first.shape == images.shape
    heights = (first[:, 0, 60] - first[:, 0, 3]).mean(dim=1) / (ramp[60] - ramp[3])
    assert heights.min() > 0.8 * 0.8 and heights.max() < 1.25 and heights.std() > 0.02
    assert (first[:, 2].mean(dim=(1, 2)) - 0.5).abs().max() < 0.3  # no colour is turned into another
