"""A second call of a finished benchmark does nothing, quickly; whatever has changed is made again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.harness.benchmark.finished import FinishedBenchmark
from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.unchanged import state_of
from bridgebench.harness.profiles.profile import load_profile


@pytest.fixture(scope="module")
def made(write_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A profile, and what the first call said; the run lies beside it."""
    folder = tmp_path_factory.mktemp("made")
    command = [sys.executable, "-m", "bridgebench", *call(write_tiny(folder))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return folder / "tiny.toml", done.stdout


def call(profile: Path) -> list[str]:
    return ["benchmark", "--profile", str(profile), "--out", str(profile.parent / "run"), "--methods", "identity"]


def test_the_second_call_says_the_same_without_torch_and_writes_nothing(made: tuple[Path, str]) -> None:
    profile, first = made
    before = state_of(profile.parent)
    script = (
        "import sys; from bridgebench.harness.commands.main import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'jinja2', 'matplotlib'} & set(sys.modules); sys.exit(str(heavy) if heavy else code)"
    )
    command = [sys.executable, "-c", script, *call(profile)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "28 cells, 0 of them done before" in first
    said = done.stdout.splitlines()
    assert said[0].startswith("28 cells, all of them done before; protocol ")
    first_said = [line for line in first.splitlines() if not line.startswith("cells: ")]  # a slow machine's progress
    assert said[1:] == first_said[1:]  # the same table and page
    assert state_of(profile.parent) == before


def test_what_changed_is_made_again(made: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    profile, _ = made
    run = profile.parent / "run"
    cell = next(run.glob("cells/*/*/*.json"))
    content, page = cell.read_bytes(), run / "report" / "index.html"
    cell.unlink()
    drawn = page.stat().st_mtime_ns
    assert main(call(profile)) == 0
    assert "28 cells, 27 of them done before" in capsys.readouterr().out
    assert cell.read_bytes() == content and page.stat().st_mtime_ns > drawn

    (run / "report" / "style.css").unlink()  # a part of the pages alone
    assert main(call(profile)) == 0
    assert "all of them done before" in capsys.readouterr().out
    assert (run / "report" / "style.css").is_file()

    profile.write_text(profile.read_text().replace("batch = 5", "batch = 6"))
    assert main(call(profile)) == 0
    assert "The protocol has changed" in capsys.readouterr().out


def test_a_copy_is_looked_into(made: tuple[Path, str], tmp_path: Path) -> None:
    profile, _ = made
    shutil.copy2(profile, tmp_path / "tiny.toml")
    shutil.copytree(profile.parent / "run", tmp_path / "run")  # with the times of its files
    loaded = load_profile(tmp_path / "tiny.toml")
    assert not FinishedBenchmark(loaded, tmp_path / "run", ["identity"], None, "cpu").tell()


def test_a_run_on_photos_is_always_opened(tmp_path: Path) -> None:
    finished = FinishedBenchmark(load_profile("celeba64"), tmp_path / "run", ["identity"], None, "cpu")
    finished.keep()
    assert not finished.tell()


def test_a_state_is_of_names_sizes_and_times(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    one = tmp_path / "cells" / "one.json"
    one.write_text("1")
    before = state_of(tmp_path, ["cache"])
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "features.npy").write_text("not counted")
    (tmp_path / ".lock").write_text("nor this")
    assert state_of(tmp_path, ["cache"]) == before
    os.utime(one, ns=(1, 1))
    changed = state_of(tmp_path, ["cache"])
    one.rename(one.with_name("two.json"))
    assert len({before, changed, state_of(tmp_path, ["cache"]), state_of(tmp_path)}) == 4
