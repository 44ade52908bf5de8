"""Training runs: a killed one goes on to the very weights of an undisturbed one, and losses fall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bridgebench import methods
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train import loop
from bridgebench.harness.train.checkpoint import FILE
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header, load_tensors

TINY = {
    "width": 4,
    "code_channels": 4,
    "spade_hidden": 4,
    "encoder_width": 4,
    "encoder_blocks": 1,
    "mapping_blocks": 3,
    "discriminator_width": 4,
    "batch_size": 4,
    "iterations": 8,
    "n_critic": 1,
    "warmup": 2,
    "ramp": 3,
    "share_fakes": True,
}


@pytest.fixture
def profile() -> Profile:
    smoke = load_profile("smoke")
    data = smoke.data.model_copy(update={"train": 24, "validation": 8})
    return smoke.model_copy(update={"data": data, "train": {**smoke.train, "bridgegan": TINY}})


def interrupt_at(monkeypatch: pytest.MonkeyPatch, iteration: int) -> None:
    """Makes training die in the middle of an iteration, with a checkpoint after each one before."""
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", -1.0)
    start = loop._start

    def started(*arguments: Any) -> Any:
        training, made = start(*arguments), 0
        whole_step = training.step

        def step(*batch: Any) -> Any:
            nonlocal made
            losses, made = whole_step(*batch), made + 1
            if made == iteration:
                raise KeyboardInterrupt
            return losses

        training.step = step
        return training

    monkeypatch.setattr(loop, "_start", started)


def test_a_killed_run_resumes_to_the_same_weights(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = loop.train("bridgegan", profile, out=tmp_path / "whole")
    with monkeypatch.context() as patched:
        interrupt_at(patched, 6)  # iteration 6 is lost: the checkpoint holds 5
        with pytest.raises(KeyboardInterrupt):
            loop.train("bridgegan", profile, out=tmp_path / "killed")
    resumed = loop.train("bridgegan", profile, out=tmp_path / "killed", resume=True)
    expected, found = load_tensors(whole), load_tensors(resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    first, second = (torch.load(tmp_path / run / FILE, weights_only=True) for run in ("whole", "killed"))
    assert torch.equal(first["training"]["memory"], second["training"]["memory"])
    assert first["progress"]["iteration"] == second["progress"]["iteration"] == 8


def test_a_run_leaves_weights_samples_and_a_card(profile: Profile, tmp_path: Path) -> None:
    weights = loop.train("bridgegan", profile, out=tmp_path)
    assert methods.load("bridgegan", weights).image_size == 32
    card = header(weights)["card"]
    assert card["iterations"] == 8
    assert card["images_seen"] == 8 * TINY["batch_size"]  # one batch an iteration: the edits are shared
    assert card["recipe"]["warmup"] == 2
    modes = {path.name for path in (tmp_path / "samples").glob("*.png")}
    assert modes == {"0000008-label.png", "0000008-reference.png"}
    assert list(tmp_path.glob("events.*"))


def test_a_card_counts_the_images_that_the_networks_saw(profile: Profile, tmp_path: Path) -> None:
    tiny = {"width": 14, "blocks": 2, "discriminator_width": 4, "batch_size": 2, "iterations": 2}
    drawing = profile.model_copy(update={"train": {"elegant": tiny}})
    card = header(loop.train("elegant", drawing, out=tmp_path))["card"]
    assert card["images_seen"] == 2 * (2 + 2) * len(profile.attributes)  # more are drawn to find pairs


def test_a_run_is_not_overwritten_nor_resumed_with_another_recipe(profile: Profile, tmp_path: Path) -> None:
    loop.train("bridgegan", profile, out=tmp_path)
    with pytest.raises(UserError, match="--resume"):
        loop.train("bridgegan", profile, out=tmp_path)
    other = profile.model_copy(update={"train": {"bridgegan": {**TINY, "learning_rate": 1e-5}}})
    with pytest.raises(UserError, match="another recipe"):
        loop.train("bridgegan", other, out=tmp_path, resume=True)


def test_a_run_can_be_made_longer(profile: Profile, tmp_path: Path) -> None:
    longer = profile.model_copy(update={"train": {"bridgegan": {**TINY, "iterations": 10}}})
    whole = loop.train("bridgegan", longer, out=tmp_path / "whole")
    loop.train("bridgegan", profile, out=tmp_path / "extended")
    extended = loop.train("bridgegan", longer, out=tmp_path / "extended", resume=True)
    expected, found = load_tensors(whole), load_tensors(extended)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_nothing_to_resume_and_a_damaged_checkpoint_are_told(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no training run"):
        loop.train("bridgegan", profile, out=tmp_path / "none", resume=True)
    (tmp_path / FILE).write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(UserError, match="damaged"):
        loop.train("bridgegan", profile, out=tmp_path, resume=True)


def test_reconstruction_improves(profile: Profile, tmp_path: Path) -> None:
    sizes = {"width": 8, "code_channels": 8, "spade_hidden": 8, "batch_size": 8}
    recipe = {**TINY, **sizes, "iterations": 100, "warmup": 100, "warmup_learning_rate": 1e-3}
    longer = profile.model_copy(update={"train": {"bridgegan": recipe}})
    loop.train("bridgegan", longer, out=tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(tmp_path))
    log.Reload()
    losses = [event.value for event in log.Scalars("g_rec")]
    assert losses[-1] < 0.8 * losses[0]


def test_averaged_weights_are_kept_and_go_on_after_a_kill(tmp_path, profile, monkeypatch):
    averaged = profile.model_copy(update={"averaging": 0.9})
    undisturbed = loop.train("bridgegan", averaged, out=tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 6)
        with pytest.raises(KeyboardInterrupt):
            loop.train("bridgegan", averaged, out=tmp_path / "killed")
    resumed = loop.train("bridgegan", averaged, out=tmp_path / "killed", resume=True)
    raw = loop.train("bridgegan", profile, out=tmp_path / "raw")
    tensors, again, last = load_tensors(undisturbed), load_tensors(resumed), load_tensors(raw)
    assert all(torch.equal(tensor, again[name]) for name, tensor in tensors.items())
    assert any(not torch.equal(tensor, last[name]) for name, tensor in tensors.items())
    assert header(undisturbed)["card"]["averaging"] == 0.9 and "averaging" not in header(raw)["card"]
    with pytest.raises(UserError, match="another averaging"):
        loop.train("bridgegan", profile.model_copy(update={"averaging": 0.5}), out=tmp_path / "whole", resume=True)
