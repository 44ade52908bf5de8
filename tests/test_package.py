"""The wheel: one name at its top, all that a benchmark needs below it, and no clash with folders of a user."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
ROOMS = ("eval", "harness", "methods", "reports", "templates")
LIMIT = 60 * 10**6  # bytes; the package index takes 100 MB


def build_wheel(checkout: Path, folder: Path) -> Path:
    """Builds the wheel of a checkout into a folder; returns its path."""
    return Path(next(WheelBuilder(str(checkout)).build(directory=str(folder), versions=["standard"])))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(site: Path, folder: Path, *arguments: str) -> str:
    """What Python prints, started in a folder, with the wheel on its path before any other bridgebench."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_top_of_the_wheel_is_bridgebench_alone(site: Path) -> None:
    names = {path.name for path in site.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"bridgebench"}
    assert len(names) == 2


def test_the_wheel_holds_every_file_of_the_rooms_but_published_pages_and_some_networks(wheel: Path) -> None:
    expected = {"bridgebench/__init__.py", "bridgebench/__main__.py", "bridgebench/py.typed"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            networks = ("zoo/guide-", "zoo/features-celeba64.")
            left_out = "__pycache__" in name or name.startswith("reports/published/")
            left_out = left_out or any(part in name for part in networks)
            if path.is_file() and not left_out:
                expected.add(f"bridgebench/{name}")
    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("bridgebench/")} == expected
    endings = {Path(name).suffix for name in expected}
    assert {".css", ".csv", ".j2", ".js", ".json", ".md", ".py", ".safetensors", ".toml", ".typed"} <= endings
    for weights in ("classifier-smoke", "judge-smoke", "bridgegan-faces64", "bridgegan-animals64"):
        assert f"bridgebench/methods/zoo/{weights}.safetensors" in expected


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= LIMIT


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert (unpacked / "tests" / "test_package.py").is_file()
    assert build_wheel(unpacked, tmp_path / "again").read_bytes() == wheel.read_bytes()


def test_no_module_imports_a_room_by_its_bare_name() -> None:
    """``import methods`` would find a user's folder ``methods/`` first."""
    sources = [*(ROOT / "bridgebench").rglob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    assert len(sources) > 100
    for source in sources:
        for node in ast.walk(ast.parse(source.read_bytes())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert not {name.split(".")[0] for name in names} & set(ROOMS), f"{source}, line {node.lineno}"


def test_folders_of_a_user_with_the_rooms_names_break_nothing(site: Path, tmp_path: Path) -> None:
    for name in (*ROOMS, "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('{name} is not ours')\n")
    where = run(site, tmp_path, "-c", "import bridgebench.methods; print(bridgebench.methods.__file__)")
    assert Path(where.strip()) == site / "bridgebench" / "methods" / "__init__.py"
    listed = run(site, tmp_path, "-m", "bridgebench", "methods").splitlines()
    assert {"bridgegan", "identity", "starganv2"} <= {line.split()[0] for line in listed}
    shown = run(site, tmp_path, "-m", "bridgebench", "methods", "--variants").splitlines()
    assert any("faces64" in line and line.endswith("(shipped)") for line in shown)


def test_a_checkout_has_the_same_name(tmp_path: Path) -> None:
    where = run(ROOT, tmp_path, "-c", "import bridgebench.methods; print(bridgebench.methods.__file__)")
    assert Path(where.strip()) == ROOT / "methods" / "__init__.py"
