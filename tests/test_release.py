"""What a release carries beyond the repository: the repository's address, in three files."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.harness.weights.download import is_address

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "release.py"
FILES = ("README.md", "pyproject.toml", "harness/weights/archives.json")
HOME = "https://github.com/somebody/bridgebench"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the source distribution has no .ci")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the three files."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture(scope="module")
def release() -> Callable[[Path, str, str], None]:
    return runpy.run_path(str(SCRIPT))["release"]


def test_the_readme_names_whole_addresses_of_files_that_are_there(
    checkout: Path, release: Callable[[Path, str, str], None]
) -> None:
    release(checkout, HOME, "v0.1.0")
    links = re.findall(r"(!?)\[[^]]*\]\(([^)]+)\)", (checkout / "README.md").read_text())
    assert len(links) > 10
    for picture, address in links:
        start = f"{HOME}/{'raw' if picture else 'blob'}/v0.1.0/"
        assert address.startswith(start)
        assert (ROOT / address.removeprefix(start)).exists(), address


def test_metadata_and_archives_have_the_address(checkout: Path, release: Callable[[Path, str, str], None]) -> None:
    before = tomllib.loads((checkout / "pyproject.toml").read_text())
    release(checkout, HOME, "v0.1.0")
    after = tomllib.loads((checkout / "pyproject.toml").read_text())
    urls = after["project"].pop("urls")
    assert after == before
    assert urls["Homepage"] == HOME and all(address.startswith(HOME) for address in urls.values())
    archives = json.loads((checkout / FILES[2]).read_text())
    for name, entry in json.loads((ROOT / FILES[2]).read_text()).items():
        address = archives[name].pop("address")
        assert address == f"{HOME}/releases/download/v0.1.0/bridgebench-{name}.zip" and is_address(address)
        del entry["address"]
        assert archives[name] == entry


def test_a_second_call_changes_nothing(checkout: Path, release: Callable[[Path, str, str], None]) -> None:
    release(checkout, HOME, "v0.1.0")
    once = [(checkout / name).read_bytes() for name in FILES]
    release(checkout, HOME, "v0.1.0")
    assert [(checkout / name).read_bytes() for name in FILES] == once


@pytest.mark.parametrize(("home", "tag"), [("http://github.com/a/b", "v1"), (f'{HOME}"', "v1"), (HOME, "a b")])
def test_what_is_no_address_or_tag_is_refused(
    checkout: Path, release: Callable[[Path, str, str], None], home: str, tag: str
) -> None:
    with pytest.raises(ValueError, match="no https"):
        release(checkout, home, tag)
    assert [(checkout / name).read_bytes() for name in FILES] == [(ROOT / name).read_bytes() for name in FILES]
