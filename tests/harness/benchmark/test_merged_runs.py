"""Real runs, merged: the whole run's numbers, made again by `verify`, and gone on with by a benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bridgebench import methods
from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.merge import merge
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.sources import makers
from bridgebench.harness.benchmark import runner, verify
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.benchmark.verify import verify_run
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.labels import CELEBA14


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in this process: what is tested is not how they are sent."""

    def run_jobs(function: Callable, jobs: list, **_: Any) -> Iterator[Any]:
        return (function(job) for job in jobs)

    monkeypatch.setattr(runner, "run_jobs", run_jobs)
    monkeypatch.setattr(verify, "run_jobs", run_jobs)
    monkeypatch.setattr(runner, "_run_costs", lambda *_: None)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory, write_tiny: Callable[..., Path]) -> tuple[Path, Path]:
    """A profile at two places, with other weights of StarGAN at the second."""
    folder = tmp_path_factory.mktemp("profiles")
    found = []
    for number in (1, 2):
        torch.manual_seed(number)
        stargan = methods.editor_class("stargan")(attributes=CELEBA14, image_size=32, width=2, blocks=1)
        methods.save(stargan, folder / f"stargan-{number}.safetensors", {})
        place = folder / f"place{number}"
        place.mkdir()
        weights = f'[weights]\nstargan = "{folder}/stargan-{number}.safetensors"'
        found.append(write_tiny(place, ("n = 12", "n = 4"), ("minimum_n = 4", "minimum_n = 2"), ("[weights]", weights)))
    return found[0], found[1]


def run(profile: Path, out: Path, *names: str) -> Path:
    assert run_benchmark(load_profile(profile), out, methods=names, say=lambda line: None) == []
    return out


def cells(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for kind in ("cells", "outcomes", "details", "samples", "reals", "baselines.json")
        for path in (folder / kind, *(folder / kind).rglob("*"))
        if path.is_file()
    }


def test_a_merged_run_of_two_halves(profiles: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = profiles
    whole = run(one, tmp_path / "whole", "stargan", "copy", "attack")
    halves = [run(one, tmp_path / "one", "stargan", "attack"), run(one, tmp_path / "two", "copy", "attack")]
    found = merge(halves, tmp_path / "merged")
    assert cells(tmp_path / "merged") == cells(whole)
    assert (tmp_path / "merged/summary.csv").read_bytes() == (whole / "summary.csv").read_bytes()
    assert found.twice == 14  # both had the attack
    assert found.record.planned == found.cells == 42

    # Another place has other weights of StarGAN: both stay, and all of it can be made again.
    other = run(two, tmp_path / "other", "stargan")
    record = merge([*halves, other], tmp_path / "all").record
    name = f"stargan-{RunRecord.read(other / 'run.json').methods['stargan'].weights.sha256[:8]}"  # type: ignore[union-attr]
    assert {*record.methods} == {"stargan", name, "copy", "attack"}
    said: list[str] = []
    made = verify_run(tmp_path / "all", cells=16, say=said.append)
    assert [(cell.place, cell.changes) for cell in made if not cell.same] == []
    assert {cell.place.split("/")[0] for cell in made} == {*record.methods}
    assert said == ["16 cells are made again (tiny, seed 0)."]

    # An archive without pictures or readings can be made again, too; a changed number is found.
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(RunDirectory(tmp_path / "all"), methods=[name, "copy"]))
    made = verify_run(archive, cells=6, say=said.append)
    assert [cell.changes for cell in made] == [[]] * 6
    assert {cell.place.split("/")[0] for cell in made} == {name, "copy"}
    # On a machine without the other weights, or without a plug-in, the rest is made again.
    record = RunRecord.read(tmp_path / "all/run.json")
    plain = record.plain()
    plain["profile"]["weights"][name] = "/nowhere/else.safetensors"
    plain["methods"]["elsewhere"] = plain["methods"]["copy"]
    RunRecord.model_validate(plain).write(tmp_path / "all/run.json")
    said.clear()
    made = verify_run(tmp_path / "all", cells=8, say=said.append)
    assert len(made) == 8 and all(cell.same for cell in made)
    assert {cell.place.split("/")[0] for cell in made} <= {"stargan", "copy", "attack"}
    assert any(line.startswith("Left out elsewhere: there is no method") for line in said)
    assert any(line.startswith(f"Left out {name}: ") for line in said)

    # A benchmark goes on with the merged run; what it makes is its own.
    before = (tmp_path / "merged/run.json").read_bytes()
    run(one, tmp_path / "merged", "stargan", "copy")
    assert (tmp_path / "merged/run.json").read_bytes() == before
    run(one, tmp_path / "merged", "identity")
    after = RunRecord.read(tmp_path / "merged/run.json")
    sources = json.loads(before)["sources"]
    assert [source.id for source in after.sources] == [source["id"] for source in sources]
    assert not any("identity" in source.methods for source in after.sources)
    assert makers(after, ("copy", "reference", "Smiling"))[0].id == sources[1]["id"]
    assert (tmp_path / "merged/cells/identity/label/Smiling.json").is_file()
