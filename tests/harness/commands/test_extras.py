"""What is missing in a light installation is told in one sentence that names the extra."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from fake_outcomes import outcomes
from fake_run import write_run

from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord
from bridgebench.harness.commands.extras import EXTRAS, how_to_get
from bridgebench.methods.core.labels import CELEBA14

ROOT = Path(__file__).parents[3]
_WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Without())
from bridgebench.harness.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


def run_without(missing: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = _WITHOUT.format(missing=missing)
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["benchmark", "--profile", "smoke"], "run"),
        (["train", "stargan", "--profile", "smoke"], "run"),
        (["data", "preview", "smoke"], "run"),
        (["demo"], "run"),
    ],
)
def test_a_missing_library_is_told_with_its_extra(arguments: list[str], extra: str, tmp_path: Path) -> None:
    light = {name for names in EXTRAS.values() for name in names}
    done = run_without(light, *arguments)
    assert done.returncode == 2
    assert f"bridgebench[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["methods"], ["profiles"], ["benchmark", "--help"]])
def test_lists_and_help_need_the_core_alone(arguments: list[str]) -> None:
    light = {name for names in EXTRAS.values() for name in names}
    assert run_without(light, *arguments).returncode == 0


def test_pages_and_records_need_the_core_alone(tmp_path: Path) -> None:
    light = {name for names in EXTRAS.values() for name in names}
    run, pages = write_run(tmp_path / "run", pictures=False), tmp_path / "pages"
    done = run_without(light, "report", str(run), "--out", str(pages))
    assert (done.returncode, done.stderr) == (0, "")
    assert (pages / "index.html").is_file()
    assert run_without(light, "status", str(run)).returncode == 0
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert any(line.startswith("scipy") for line in written)  # the intervals and paired tests of the pages


def test_pages_are_made_of_an_archive_by_the_core_alone(tmp_path: Path) -> None:
    run, archive = write_run(tmp_path / "run"), tmp_path / "a-records.zip"
    cell = CellRecord.read(run / "cells/stargan/label/Male.json")
    outcomes(cell, CELEBA14).write(run / "outcomes/stargan/label/Male.npz")
    archive.write_bytes(zipped(RunDirectory(run), images=True))
    light = {name for names in EXTRAS.values() for name in names}
    done = run_without(light, "report", str(archive), "--single-file")
    assert done.returncode == 0, done.stderr
    assert "StarGAN" in (tmp_path / "a-records.html").read_text()
    done = run_without(light, "records", "unpack", str(archive), "--out", str(tmp_path / "unpacked"))
    assert done.returncode == 0, done.stderr


def test_every_extra_that_is_named_exists() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(EXTRAS) <= set(written)
    packages = {"cleanfid": "clean-fid", "resvg_py": "resvg-py", "skimage": "scikit-image"}
    for extra, modules in EXTRAS.items():
        listed = " ".join(written[extra])
        for module in modules:
            assert packages.get(module, module) in listed


def test_an_unknown_module_is_nobodys() -> None:
    assert how_to_get("nothing_of_ours.part") is None
