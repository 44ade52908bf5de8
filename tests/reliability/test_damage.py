"""Files of a finished run that were changed behind its back: named, put aside, made again; no wrong number is shown."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_run import write_run

from bridgebench.eval.records.marks import MARK
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.publish import publish

Write = Callable[..., Path]
Damage = Callable[[Path], object]


def run(profile: Profile, out: Path) -> list[str]:
    said: list[str] = []
    assert run_benchmark(profile, out, methods=["identity"], workers=1, say=said.append) == []
    return said


def state(out: Path) -> dict[str, bytes]:
    """All files that do not change from day to day."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and "aside" not in path.parts)
    kept = (path for path in files if path.name not in (MARK, "run.json", "manifest.json") and "cost" not in path.parts)
    return {str(path.relative_to(out)): path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def profile(write_tiny: Write, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return load_profile(write_tiny(tmp_path_factory.mktemp("profile")))


@pytest.fixture(scope="module")
def finished(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    run(profile, out)
    return out


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def swap(path: Path) -> None:
    """The file of another attribute in its place."""
    other = path.with_name(path.name.replace("Male", "Young"))
    shutil.copy(other, path)


def number(path: Path) -> None:
    text = path.read_text()
    record = json.loads(text)
    record["measures"]["accuracy"]["value"] = 0.987
    path.write_text(json.dumps(record))


def instead(make: Damage) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


CELL = "identity/label/Male"
FILES = [f"cells/{CELL}.json", f"samples/{CELL}.png", f"details/{CELL}.json", f"details/{CELL}.png"]
FILES += [f"outcomes/{CELL}.npz", "samples/truth/label/Male.png"]
REWRITTEN = ("run.json", "summary.csv", "manifest.json")  # by every call, as they tell of all cells
DAMAGES: dict[str, Damage] = {
    "flipped": flip,
    "cut": cut,
    "swapped": swap,
    "a folder": instead(Path.mkdir),
    "a pipe": instead(os.mkfifo),
    "a link to nothing": instead(lambda path: path.symlink_to(path.with_name("nowhere"))),
    "huge": instead(huge),
}


def test_all_that_was_damaged_is_named_and_made_again(finished: Path, profile: Profile, tmp_path: Path) -> None:
    before = state(finished)
    for shift in (0, 2, 4):  # every file by another damage in turn
        out = tmp_path / str(shift)
        shutil.copytree(finished, out)
        damages = [*DAMAGES.values()]
        for place, name in enumerate(FILES):
            damages[(place + shift) % len(damages)](out / name)
        said = "\n".join(run(profile, out))
        (folder,) = (out / "aside").iterdir()
        assert f"Damaged, put aside in {folder} and made again: " in said
        for name in FILES:
            assert os.path.lexists(folder / name), (name, said)
        assert state(out) == before


@pytest.mark.parametrize("kind", ["flipped", "a pipe", "a folder"])
def test_files_of_the_whole_run_that_are_damaged_are_made_again(
    finished: Path, profile: Profile, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    names = ["baselines.json", "samples/source.png", "cost/identity/label.json", "samples/shared/label/Male.json"]
    names += [path.relative_to(out).as_posix() for path in sorted(out.glob("cache/*-logits.npy"))]
    names += ["run.json"] if kind == "flipped" else [MARK, "summary.csv", "cells/identity/label/Male.error.txt"]
    for name in names:
        (out / name).touch()
        DAMAGES[kind](out / name)
    (out / f"cells/{CELL}.json").unlink()  # so that the arrays are read
    said = "\n".join(run(profile, out))
    (folder,) = (out / "aside").iterdir()
    assert f"Damaged, put aside in {folder}" in said
    assert all(os.path.lexists(folder / name) for name in names), said
    assert state(out) == state(finished)


def test_a_changed_number_never_reaches_a_page(finished: Path, profile: Profile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    number(out / f"cells/{CELL}.json")
    assert "Male.json (its content is not what its sha256 was made of)" in "\n".join(run(profile, out))
    assert state(out) == state(finished)
    assert not (out / "aside").exists() or len(list((out / "aside").iterdir())) == 1


def test_a_finished_run_is_left_as_it_is(finished: Path, profile: Profile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and path.name not in REWRITTEN}
    said = run(profile, out)
    assert "28 cells, 28 of them done before" in "\n".join(said)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert not (out / "aside").exists()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=[*DAMAGES])
def test_a_page_leaves_damaged_files_out_and_says_so(
    finished: Path, tmp_path: Path, damage: Damage, capsys: Any
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    for name in FILES:
        damage(out / name)
    assert main(["report", str(out)]) == 1
    said = capsys.readouterr().err
    assert "Damaged files are left out" in said and "cells/identity/label/Male.json" in said and "Traceback" not in said
    assert "its record is damaged" in (out / "report" / "index.html").read_text()


def test_a_changed_number_is_not_shown(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    number(out / f"cells/{CELL}.json")
    assert main(["report", str(out)]) == 1
    assert "its record is damaged" in (out / "report" / "index.html").read_text()
    assert [path.name for path in (out / "report" / "cells" / "identity" / "label").glob("m*.html")] == [
        "mouth_slightly_open.html",
        "mustache.html",
    ]


@pytest.mark.parametrize("name", ["../../../f/evil", "/tmp/evil", "..", "a/b"])
def test_the_name_of_a_strangers_profile_leads_nowhere(tmp_path: Path, name: str) -> None:
    run = write_run(tmp_path / "a" / "b" / "c" / "run", pictures=False)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"profile_name": name}))
    folder = tmp_path / "a" / "b" / "c" / "published"
    page = publish(run, folder)
    assert page.parent == folder and sorted(path.suffix for path in folder.iterdir()) == [".html", ".zip"]
    assert {path.name for path in tmp_path.rglob("*evil*") if path.parent != folder} == set()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere"), huge])
@pytest.mark.parametrize("name", ["cells/stargan/label/Male.json", "cells/stargan/label/x.json", "cost/stargan/x.json",
                                  "baselines.json", "run.json", "samples/source.png"])  # fmt: skip
def test_odd_things_in_the_place_of_a_file_give_one_sentence(
    tmp_path: Path, name: str, make: Damage, capsys: Any
) -> None:
    """Of a stranger's run, or one of before there were hashes."""
    run = write_run(tmp_path / "run", pictures=False)
    (run / name).unlink(missing_ok=True)
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    make(run / name)
    status = main(["report", str(run)])
    assert status in ((1,) if "Male" in name or name == "baselines.json" else (0, 1, 2))
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert Path(name).name in said or status == 0
    try:
        publish(run, tmp_path / "published")
    except UserError as error:
        assert "\n" not in str(error)
