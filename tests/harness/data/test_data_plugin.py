"""A data set from somebody else's package: found, opened, held to the contract; and what is told of a bad one.

The example in tests/dataset_example is laid out as an installer would do it, so that no network is needed.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_judges import small_judges

from bridgebench.harness.commands.main import main
from bridgebench.harness.data.contract import run_data_contract
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import DATA_GROUP, Profile, load_profile
from bridgebench.methods.core.errors import UserError

EXAMPLE = Path(__file__).parents[2] / "dataset_example"
RANDOM = np.random.default_rng()
PROFILE = 'like = "smoke"\nattributes = ["Bright", "Round"]\nmethods = ["identity"]\n[data]\nname = "shapes"\n'
PROFILE += "train = 0\nvalidation = 0\ntest = 60\nbalance_train = false\n[evaluation]\nn = 8\n"


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile of the example, which this process finds installed."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    shutil.copytree(EXAMPLE / "shape_pictures", tmp_path / "shape_pictures")
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(f"{name} = {value}\n" for name, value in project["entry-points"][DATA_GROUP].items())
    (info / "entry_points.txt").write_text(f"[{DATA_GROUP}]\n{entries}")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.toml").write_text(PROFILE)
    monkeypatch.delitem(sys.modules, "shape_pictures", raising=False)
    return tmp_path / "mine.toml"


def test_it_opens_like_ours_and_keeps_the_contract(shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = load_profile(shapes)
    images = open_split(profile, "test")
    assert (len(images), images.name, images.attributes) == (60, "shapes", ("Bright", "Round"))
    assert not images.has_truth and images.space == profile.space
    assert [result for result in run_data_contract(profile, None) if not result.passed] == []
    assert main(["contract", "--dataset", str(shapes), "--json"]) == 0
    assert '"kept": true' in capsys.readouterr().out
    assert main(["contract", "--dataset", str(shapes), "identity"]) == 2


@pytest.mark.parametrize("profile", ["smoke", "animals64"])
def test_the_drawn_data_sets_keep_the_contract(profile: str) -> None:
    found = load_profile(profile)
    few = found.data.model_copy(update={"train": 12, "validation": 12, "test": 12})
    results = run_data_contract(found.model_copy(update={"data": few}), None)
    assert [result for result in results if not result.passed] == []


class Mute(BaseException):
    """An error that says nothing, and fails where it is asked to."""

    def __str__(self) -> str:
        raise SystemExit


class Endless:
    """Something without a length."""


class Unreadable(np.ndarray):
    """Images that raise an error when one of them is wanted."""

    error: BaseException = SystemExit("no more")

    def __getitem__(self, key: Any) -> Any:
        raise self.error


def raising(error: BaseException) -> Any:
    raise error


def spoiled(**changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda images: replace(images, **{key: change(getattr(images, key)) for key, change in changes.items()})


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda images: "nothing", "returned str, not an ImageSet"),
        (lambda images: 1 / 0, "failed: ZeroDivisionError"),
        (lambda images: sys.exit("at once"), "failed: SystemExit: at once"),
        (lambda images: raising(Mute()), "failed: Mute$"),
        (lambda images: raising(ValueError("\x1b[31mred \ud800")), r"failed: ValueError: \?\[31mred \?$"),
        (lambda images: raising(GeneratorExit()), "failed: GeneratorExit"),
        (spoiled(labels=lambda labels: Mute()), "labels that are not"),
        (spoiled(ids=lambda ids: Endless()), "failed: TypeError"),
        (spoiled(images=lambda images: None), "failed: TypeError"),
        (spoiled(labels=lambda labels: labels * 2), "labels that are not uint8 of 0 and 1"),
        (spoiled(labels=lambda labels: labels[:-1]), "labels that are not"),
        (spoiled(ids=lambda ids: ["a"] * len(ids)), "ids that are not one text an image"),
        (spoiled(attributes=lambda names: names[::-1]), "other label columns"),
        (spoiled(digest=lambda digest: ""), "no digest"),
        (spoiled(image_size=lambda size: 2 * size), "images of 64 pixels, not of 32"),
    ],
)
def test_what_a_bad_loader_returns_is_told(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Any], Any], part: str
) -> None:
    import shape_pictures

    load = shape_pictures.load
    monkeypatch.setattr(shape_pictures, "load", lambda asked: spoil(load(asked)))
    with pytest.raises(UserError, match=part):
        open_split(load_profile(shapes), "test")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda images: images.view(Unreadable), "Images of the data set 'shapes' cannot be read: SystemExit: no more"),
        (
            lambda images: images[:, :16],
            r"gave images of the type uint8 and the shape \(.*, 16, 32, 3\), where uint8",
        ),
        (lambda images: images / 255, "gave images of the type float64"),
        (lambda images: [images[:3]] * len(images), "cannot be read: TypeError|gave images of the type"),
        (lambda images: ["image"] * len(images), "cannot be read: TypeError|gave images of the type"),
    ],
)
def test_images_that_are_none_end_a_benchmark_in_one_sentence(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any], sentence: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    import shape_pictures

    load = shape_pictures.load
    monkeypatch.setattr(shape_pictures, "load", lambda asked: spoiled(images=change)(load(asked)))
    judges = small_judges(tmp_path, "a test", ["Bright", "Round"])
    shapes.write_text(PROFILE + "[weights]\n" + "".join(f'{name} = "{path}"\n' for name, path in judges.items()))
    out = ["--out", str(tmp_path / "run"), "--workers", "1"]
    assert main(["benchmark", "--profile", str(shapes), *out]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.match("bridgebench: .*(" + sentence + ")", said)


@pytest.mark.parametrize(
    ("spoil", "point"),
    [
        (spoiled(images=lambda images: images[:, :16]), "images are squares of 8 bits"),
        (spoiled(ids=lambda ids: [str(k) for k in range(len(ids))]), "no image in two splits"),
        (spoiled(digest=lambda digest: "0"), "the same images every time"),
        (spoiled(images=lambda images: RANDOM.integers(0, 255, images.shape, np.uint8)), "the same images every time"),
    ],
)
def test_the_contract_finds_what_opening_does_not(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Any], Any], point: str
) -> None:
    import shape_pictures

    load = shape_pictures.load
    monkeypatch.setattr(shape_pictures, "load", lambda asked: spoil(load(asked)))
    assert point in [result.name for result in run_data_contract(load_profile(shapes), None) if not result.passed]


def test_a_data_set_that_is_not_installed_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE)
    with pytest.raises(UserError, match="no data set 'shapes' among faces"):
        load_profile(tmp_path / "mine.toml")


def test_keys_of_other_data_sets_are_refused(shapes: Path) -> None:
    shapes.write_text(PROFILE.replace('name = "shapes"', 'name = "shapes"\ngroup_column = "person"'))
    with pytest.raises(UserError, match="group_column is for the data set 'folder'"):
        load_profile(shapes)
    profile: Profile = load_profile("smoke")
    assert not profile.data.photos_stay and load_profile("celeba64").data.photos_stay
