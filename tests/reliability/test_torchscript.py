"""TorchScript is code: whatever a profile or a run names, none of it runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bridgebench.eval.records.run import RunRecord
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import SHIPPED
from bridgebench.methods import editor_class, save
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.core.weights import ZOO

KEYS = ("inception", "inception-imagenet", "classifier", "judge", "stargan", "bridgegan")


class Trap(torch.nn.Module):
    """Writes the file `marker` as soon as it is loaded."""

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker = marker

    def forward(self) -> int:
        return 0

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.marker, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.marker, self.training = state
        torch.save(torch.zeros(1), self.marker)


class Hostile(torch.nn.Module):
    """Looks like a feature network, has a trap, and writes the trap's file whenever it is called, too."""

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 2048))
        self.trap = Trap(marker)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        torch.save(images, self.trap.marker)
        return self.layers(images)


def hostile_torchscript(path: Path, marker: Path) -> Path:
    """A TorchScript file that writes `marker` when it is opened by `torch.jit.load`; tried out once."""
    torch.jit.script(Hostile(str(marker))).save(str(path))
    torch.jit.load(str(path))
    assert marker.is_file(), "the test's own attack does nothing"
    marker.unlink()
    return path


def write_profile(folder: Path, weights: Path, key: str) -> Path:
    """A copy of the smoke profile that names `weights` under ``[weights] key``; Inceptions are also asked for."""
    text = (SHIPPED / "smoke.toml").read_text()
    if key.startswith("inception"):
        text = text.replace('features = "neutral"', f'features = "{key}"')
        assert key in text
    networks = {name: f"{name}-smoke.safetensors" for name in ("classifier", "judge", "features")}
    for file in networks.values():
        shutil.copy(ZOO / file, folder)
    named = {**networks, key: weights.name}
    lines = [f'{name} = "{file}"' for name, file in named.items()]
    (folder / "named.toml").write_text("\n".join([text, "[weights]", *lines, ""]))
    return folder / "named.toml"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_torchscript_that_a_profile_names_never_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    marker = tmp_path / "ran"
    weights = hostile_torchscript(tmp_path / f"weights{suffix}", marker)
    profile = write_profile(tmp_path, weights, key)
    methods = key if key in ("stargan", "bridgegan") else "identity"
    command = ["benchmark", "--profile", str(profile), "--methods", methods, "--limit", "2", "--workers", "1"]
    assert main(command) == 2
    assert not marker.exists()
    assert weights.name in capsys.readouterr().err


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two images, by a StarGAN that was not trained."""
    folder = tmp_path_factory.mktemp("finished")
    stargan = editor_class("stargan")(attributes=CELEBA14, image_size=32, width=2, blocks=1)
    save(stargan, folder / "stargan.safetensors", {})
    profile = write_profile(folder, folder / "stargan.safetensors", "stargan")
    command = ["benchmark", "--profile", str(profile), "--methods", "identity,stargan", "--limit", "2"]
    assert main([*command, "--workers", "1", "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_torchscript_that_a_run_names_never_runs(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str], key: str, suffix: str
) -> None:
    marker = tmp_path / "ran"
    weights = hostile_torchscript(tmp_path / f"weights{suffix}", marker)
    run = shutil.copytree(finished, tmp_path / "run")
    change(run, lambda record: name_weights(record, key, weights))
    code = main(["verify", str(run), "--cells", "1", "--workers", "1"])
    assert not marker.exists()
    if key == "bridgegan":  # did not take part: nobody opens its file
        assert code == 0
    else:
        assert code == 2
        assert weights.name in capsys.readouterr().err


def test_a_run_cannot_lend_its_name_to_another_file(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    other = ZOO / "stargan-faces64.safetensors"
    change(run, lambda record: record["profile"]["weights"].update(stargan=str(other)))
    assert main(["verify", str(run), "--cells", "1", "--workers", "1"]) == 2
    assert "is not the file of 'stargan' that" in capsys.readouterr().err
    change(run, lambda record: record["profile"].update(name="../../evil"))
    assert main(["verify", str(run), "--cells", "1", "--workers", "1"]) == 2
    assert "cannot name a folder" in capsys.readouterr().err


def name_weights(record: dict[str, Any], key: str, weights: Path) -> None:
    """Lets a record name a file under ``[weights] key``, as that of the run's feature space if `key` is one."""
    record["profile"]["weights"][key] = str(weights)
    if key.startswith("inception"):
        record["profile"]["evaluation"]["features"] = key


def change(run: Path, how: Callable[[dict[str, Any]], Any]) -> None:
    """Changes run.json as a stranger would, who seals it anew."""
    record = RunRecord.read(run / "run.json").plain()
    how(record)
    RunRecord.model_validate(record).write(run / "run.json")
