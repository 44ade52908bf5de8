"""Plug-ins that misbehave lose their own cells at most: those of `identity` keep every byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from misbehaving import FAILING, LEAVING, NAMES
from zoo_runs import ATTRIBUTES, files_of, installed, write_photos, write_profile

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.profiles.profile import Profile

Together = tuple[Path, list[str], list[str]]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All animals are installed."""
    with installed(tmp_path_factory.mktemp("site"), NAMES):
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set's folder."""
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """The profile."""
    return write_profile(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def alone(profile: Profile, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without plug-ins."""
    out = tmp_path_factory.mktemp("alone")
    assert run_benchmark(profile, out, methods=["identity"], workers=1, data_root=photos, say=lambda line: None) == []
    return out


@pytest.fixture(scope="module")
def together(zoo: None, profile: Profile, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Together:
    """A run in which `identity` comes last in the one worker, after the whole zoo: its folder, failures and words."""
    out, said = tmp_path_factory.mktemp("together"), list[str]()
    names = [*NAMES, "identity"]
    failed = run_benchmark(profile, out, methods=names, workers=1, data_root=photos, say=said.append)
    return out, failed, said


def test_the_cells_of_identity_keep_every_byte(alone: Path, together: Together) -> None:
    expected = files_of(alone, "identity")
    assert len([name for name in expected if name.startswith("cells")]) >= 2 * len(ATTRIBUTES)
    assert files_of(together[0], "identity") == expected
    assert (together[0] / "baselines.json").read_bytes() == (alone / "baselines.json").read_bytes()


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_plug_in_loses_its_own_cells_and_is_told_in_plain_words(name: str, together: Together) -> None:
    out, failed, said = together
    places = [place for place in failed if place.startswith(f"{name}/")]
    assert {f"{name}/label/{attribute}" for attribute in ATTRIBUTES} <= {*places}
    texts = [RunDirectory(out).error_file(*place.split("/")).read_bytes() for place in places]
    assert any(re.match(FAILING[name], text.decode().splitlines()[-1]) for text in texts), texts
    assert all(len(text) < 100_000 for text in texts)
    assert all(line.isprintable() for text in texts for line in text.decode().splitlines())
    assert any(line.startswith("FAILED ") for line in said)  # many cells of one reason share a line


@pytest.mark.parametrize("name", LEAVING)
def test_a_plug_in_that_leaves_something_behind_has_its_own_numbers(name: str, together: Together) -> None:
    run = RunDirectory(together[0])
    for attribute in ATTRIBUTES:
        cells = [json.loads(run.cell_file(each, "label", attribute).read_text()) for each in (name, "identity")]
        assert cells[0]["measures"] == cells[1]["measures"]


def test_no_more_than_the_failing_ones_fail(together: Together) -> None:
    unexpected = [place for place in together[1] if place.partition("/")[0] not in FAILING]
    run = RunDirectory(together[0])
    assert [run.error_file(*place.split("/")).read_text() for place in unexpected] == []


def test_what_plug_ins_leave_running_is_ended(together: Together) -> None:
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in lines if b"100000" in line and line.startswith(b"sleep")]
