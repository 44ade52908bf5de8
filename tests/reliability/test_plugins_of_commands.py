"""`contract` and `edit` survive a plug-in that misbehaves: one sentence, exit code 2, nothing written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from misbehaving import FAILING
from PIL import Image
from zoo_runs import installed, write_photos, write_profile

from bridgebench.harness.benchmark import remote
from bridgebench.harness.commands.main import main

NAMES = (
    "system-exit", "os-exit", "kills-itself", "segmentation-fault", "sleeps-forever", "constructor-exits",
    "message-no-text", "working-folder", "recursion-limit",
)  # fmt: skip


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The animals are installed; a folder with photos and a profile."""
    folder = tmp_path_factory.mktemp("zoo")
    (folder / "site").mkdir()
    write_photos(folder)
    write_profile(folder)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(folder / "photo.png")
    with installed(folder / "site", NAMES):
        yield folder


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_by_a_plug_in(name: str, zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, out = Path.cwd(), tmp_path / "edit.png"
    options = ["--set", "Smiling=1", "--profile", str(zoo / "zoo.toml"), "--crop", "0,0,32", "--out", str(out)]
    code = main(["edit", str(zoo / "photo.png"), "--method", name, *options])
    said = capsys.readouterr()
    if name in FAILING:
        assert (code, out.exists(), "Traceback" in said.err) == (2, False, False)
        assert said.err.splitlines()[-1].startswith(f"bridgebench: The method '{name}' made no edit: ")
    else:
        assert (code, Image.open(out).size, Path.cwd()) == (0, (32, 32), here)


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_of_a_plug_in(
    name: str, zoo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_CONTRACT_SECONDS", 5.0 if name == "sleeps-forever" else 200.0)
    before = os.getpid(), Path.cwd()
    code = main(["contract", name])
    said = capsys.readouterr()
    assert (os.getpid(), Path.cwd()) == before
    if name in FAILING and name != "message-no-text":  # an error is a broken point; these end the whole process
        assert (code, len(said.err.splitlines())) == (2, 1)
        assert said.err.startswith(f"bridgebench: The contract of '{name}' cannot be checked: ")
        assert re.search(
            FAILING[name].partition("within")[0].replace("edit a batch ", "go through its contract "), said.err
        )
    else:
        assert code == (1 if name in FAILING else 0), said.err
        assert "label: shape kept" in said.out
        assert all(line.isprintable() for line in said.out.splitlines())
