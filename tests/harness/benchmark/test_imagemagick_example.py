"""examples/imagemagick: a plain shell loop makes the edits of a folder of tasks, and they are measured."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark.export import export_tasks
from bridgebench.harness.benchmark.score import score
from bridgebench.harness.profiles.profile import load_profile

SCRIPT = Path(__file__).parents[3] / "examples" / "imagemagick" / "edit.sh"


def imagemagick() -> str | None:
    """The program; other programs are called `convert`, too."""
    for name in ("magick", "convert", "/usr/bin/convert"):
        if shutil.which(name):
            said = subprocess.run([name, "-version"], capture_output=True, text=True, check=False)
            if said.returncode == 0 and "Version: ImageMagick" in said.stdout:
                return name
    return None


MAGICK = imagemagick()
pytestmark = pytest.mark.skipif(MAGICK is None, reason="ImageMagick is not installed: apt-get install imagemagick")


def test_the_loop_makes_all_edits_and_goes_on_where_it_stopped(write_tiny: Callable[..., Path], tmp_path: Path) -> None:
    profile = load_profile(write_tiny(tmp_path, ("n = 12", "n = 4"), ("minimum_n = 4", "minimum_n = 3")))
    folder = tmp_path / "asked"
    asked = export_tasks(profile, folder, modes=("label",), limit=4).tasks
    command = ["sh", str(SCRIPT), str(folder)]
    environment = {"MAGICK": str(MAGICK), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    subprocess.run(command, env=environment, check=True)
    edits = {path: path.read_bytes() for path in folder.glob("edits/*/*/*")}
    assert len(edits) == asked == 4 * 14 and {path.suffix for path in edits} == {".png"}
    gone = sorted(edits)[:2]
    for path in gone:
        path.unlink()
    subprocess.run(command, env=environment, check=True)
    assert {path: path.exists() for path in gone} == dict.fromkeys(gone, True)
    said: list[str] = []
    run, failed = score(folder, "loop", tmp_path / "run", workers=1, say=said.append)
    cells = [cell for cell in RunDirectory(run).cells() if cell.method == "loop"]
    assert failed == [] and len(cells) == 14 and all(cell.measures and cell.reason is None for cell in cells)
    assert said[0] == "56 of 56 edits are there and can be used."
