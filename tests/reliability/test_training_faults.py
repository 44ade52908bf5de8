"""Training that is stopped, breaks down or goes on with other processes: what it had is kept, in clear words."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bridgebench.harness.processes.lock import locked
from bridgebench.harness.processes.stopping import Stopped
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train import launch, loop
from bridgebench.harness.train.checkpoint import FILE
from bridgebench.harness.train.health import LossGuard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.weights import load_tensors

TINY = {"width": 4, "blocks": 1, "discriminator_width": 4, "batch_size": 4, "iterations": 6, "n_critic": 2}


def profile(**table: Any) -> Profile:
    smoke = load_profile("smoke")
    data = smoke.data.model_copy(update={"train": 24, "validation": 8, "balance_train": False})
    return smoke.model_copy(update={"data": data, "train": {"stargan": {**TINY, "decay": "none", **table}}})


def after(monkeypatch: pytest.MonkeyPatch, iteration: int, happens: Callable[[Any, dict], None]) -> None:
    """Lets something happen to a training at the end of an iteration; every iteration before it is saved."""
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", -1.0)
    start = loop._start

    def started(*arguments: Any) -> Any:
        training, made = start(*arguments), 0
        whole_step = training.step

        def step(*batch: Any) -> Any:
            nonlocal made
            losses, made = dict(whole_step(*batch)), made + 1
            if made == iteration:
                happens(training, losses)
            return losses

        training.step = step
        return training

    monkeypatch.setattr(loop, "_start", started)


def saved_iteration(folder: Path) -> int:
    return torch.load(folder / FILE, weights_only=True)["progress"]["iteration"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of an undisturbed run in one process."""
    return loop.train("stargan", profile(), out=tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_very_iteration_and_the_run_goes_on_to_the_same_weights(
    number: signal.Signals, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(number)
    with monkeypatch.context() as patched, pytest.raises(Stopped, match="--resume") as stopped:
        after(patched, 3, lambda training, losses: os.kill(os.getpid(), number))
        patched.setattr(loop, "_CHECKPOINT_SECONDS", 1e9)  # none but the last
        loop.train("stargan", profile(), out=tmp_path)
    assert stopped.value.code == 128 + number
    assert saved_iteration(tmp_path) == 3
    assert signal.getsignal(number) == before
    expected, found = load_tensors(whole), load_tensors(loop.train("stargan", profile(), out=tmp_path, resume=True))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_resume_auto_starts_a_run_and_goes_on_with_it(whole: Path, tmp_path: Path) -> None:
    loop.train("stargan", profile(iterations=2), out=tmp_path, resume="auto")
    assert saved_iteration(tmp_path) == 2
    expected, found = load_tensors(whole), load_tensors(loop.train("stargan", profile(), out=tmp_path, resume="auto"))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(training: Any, losses: dict) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    after(monkeypatch, 2, twice)
    with pytest.raises(KeyboardInterrupt):
        loop.train("stargan", profile(), out=tmp_path)
    assert saved_iteration(tmp_path) == 1


@pytest.mark.parametrize(("value", "told"), [(float("nan"), "nan"), (float("-inf"), "-inf"), (3e12, "3e\\+12")])
def test_a_broken_loss_is_named_and_the_last_good_checkpoint_kept(
    value: float, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after(monkeypatch, 3, lambda training, losses: losses.update({"discriminator/penalty": torch.tensor(value)}))
    with pytest.raises(UserError, match=f"discriminator/penalty became {told} at iteration 3;.*checkpoint is kept"):
        loop.train("stargan", profile(), out=tmp_path)
    assert saved_iteration(tmp_path) == 2


def test_broken_weights_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(training: Any, losses: dict) -> None:
        with torch.no_grad():
            next(training.editor.parameters())[0, 0, 0, 0] = float("inf")

    after(monkeypatch, 3, spoil)
    with pytest.raises(UserError, match=r"weights editor\..* no longer finite at iteration 3"):
        loop.train("stargan", profile(), out=tmp_path)
    assert saved_iteration(tmp_path) == 2


def test_the_guard_names_the_first_broken_term() -> None:
    guard = LossGuard()
    guard.watch({"a": 1.0, "b": torch.tensor(2.0)}, 1)
    guard.watch({"a": 1.0}, 2)
    guard.check()
    guard.watch({"a": 1.0, "b": float("nan"), "total": float("nan")}, 7)
    guard.watch({"a": float("inf")}, 8)
    with pytest.raises(UserError, match="loss b became nan at iteration 7"):
        guard.check()


def test_a_run_changes_its_number_of_processes_both_ways(whole: Path, tmp_path: Path) -> None:
    loop.train("stargan", profile(iterations=2), out=tmp_path)
    loop.train("stargan", profile(iterations=4), out=tmp_path, devices=2, resume=True)
    assert saved_iteration(tmp_path) == 4
    expected, found = load_tensors(whole), load_tensors(loop.train("stargan", profile(), out=tmp_path, resume=True))
    for name in expected:
        assert (found[name] - expected[name]).norm() <= 0.02 * expected[name].norm() + 1e-3, name


def test_a_signal_before_there_are_processes_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.multiprocessing, "active_children", list)
    with pytest.raises(Stopped, match="the same command again") as stopped:
        launch._tell_processes(signal.SIGTERM)
    assert stopped.value.code == 143


def test_what_a_killed_run_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours = {
        ".checkpoint.pt.x1.bridgebench.tmp",
        ".weights.safetensors.x2.bridgebench.tmp",
        "samples/.0000020.png.x3.bridgebench.tmp",
    }
    others = {".mine.tmp", "deep/.checkpoint.pt.x4.bridgebench.tmp", "checkpoint.pt"}
    for name in ours | others:
        write_bytes(tmp_path / name, b"")
    with loop._held(tmp_path):
        left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
        assert left == others | {".lock"}
        write_bytes(tmp_path / ".weights.safetensors.x5.bridgebench.tmp", b"")  # as if this run were stopped over it
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == others


TORCHRUN = {
    "RANK": "1", "LOCAL_RANK": "1", "GROUP_RANK": "0", "ROLE_RANK": "1", "ROLE_NAME": "default", "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "1", "ROLE_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500", "TORCHELASTIC_RESTART_COUNT": "0", "TORCHELASTIC_MAX_RESTARTS": "0",
    "TORCHELASTIC_RUN_ID": "none",
}  # fmt: skip


@pytest.mark.parametrize("rank", ["0", "1"])
def test_torchrun_with_one_device_starts_no_copies(rank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**TORCHRUN, "RANK": rank}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="torchrun has started 2 processes here, not 1: give --"):
        loop.train("stargan", profile(), out=tmp_path / "run")
    assert not (tmp_path / "run" / FILE).exists()


def test_a_rank_without_torchrun_is_no_way_around_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with locked(tmp_path), pytest.raises(UserError, match="in use by another run"):
        loop.train("stargan", profile(), out=tmp_path)


def test_a_batch_that_cannot_be_shared_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "processes", lambda: 3)
    with pytest.raises(UserError, match="batch of 4 images cannot be shared equally by 3 processes"):
        loop.train("stargan", profile(), out=tmp_path)
    assert not (tmp_path / FILE).exists()
