"""Cells that fail, and data that vanishes meanwhile: nothing is lost, and all is tried again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.seal import sealed
from bridgebench.harness.benchmark import cells, runner, verify
from bridgebench.harness.benchmark import workbench as workbench_module
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import CannotWrite
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.labels import CELEBA14

Write = Callable[..., Path]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in this process: what is tested is not how they are sent."""

    def run_jobs(function: Callable, jobs: list, **_: Any) -> Iterator[Any]:
        return (function(job) for job in jobs)

    monkeypatch.setattr(runner, "run_jobs", run_jobs)
    monkeypatch.setattr(verify, "run_jobs", run_jobs)
    monkeypatch.setattr(runner, "_run_costs", lambda *_: None)


PHOTOS = 16


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A small data set in CelebA's layout, all of it to be tested on."""
    root, draw = tmp_path / "data", np.random.default_rng(0)
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.png" for number in range(1, PHOTOS + 1)]
    for name in names:
        Image.fromarray(draw.integers(0, 256, (218, 178, 3), np.uint8)).save(root / "img_align_celeba" / name)
    rows = [f"{name} {' '.join(map(str, draw.choice([-1, 1], len(CELEBA14))))}" for name in names]
    (root / "list_attr_celeba.txt").write_text("\n".join([str(PHOTOS), " ".join(CELEBA14), *rows]))
    (root / "list_eval_partition.txt").write_text("\n".join(f"{name} 2" for name in names))
    return root


def test_a_data_root_that_vanishes_loses_no_finished_cell_and_may_come_back(
    tmp_path: Path, write_tiny: Write, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    numbers = [("train = 64", "train = 0"), ("validation = 16", "validation = 0"), ("test = 24", "test = 0")]
    profile = write_tiny(tmp_path, ('name = "faces"', 'name = "celeba"'), *numbers)
    command = ["benchmark", "--profile", str(profile), "--methods", "identity", "--data-root", str(photos)]
    command += ["--out", str(tmp_path / "run")]
    away = photos.with_name("unplugged")

    def jobs_of_fresh_workers(function: Callable, jobs: list, **_: Any) -> Iterator[Any]:
        for place, job in enumerate(jobs):
            if place == 3 and photos.exists() and not away.exists():
                photos.rename(away)
            workbench_module._opened.cache_clear()
            yield function(job)

    monkeypatch.setattr(runner, "run_jobs", jobs_of_fresh_workers)
    assert main(command) == 1
    said, before = capsys.readouterr().out, state(tmp_path / "run")
    finished = {name: data for name, data in before.items() if name.endswith(".json")}
    assert len(finished) == 3 and len(before) == 2 * len(CELEBA14)
    assert (
        f"and {2 * len(CELEBA14) - 4} more: What the run needs has changed meanwhile: CelebA is not in {photos}" in said
    )
    assert "The page: " in said

    assert main(command) == 2, "without its data no run begins"
    assert f"CelebA is not in {photos}" in capsys.readouterr().err
    assert state(tmp_path / "run") == before

    away.rename(photos)
    away.mkdir()  # so that it stays this time
    assert main(command) == 0
    after = state(tmp_path / "run")
    assert len(after) == 2 * len(CELEBA14) and all(name.endswith(".json") for name in after)
    assert all(after[name] == data for name, data in finished.items())


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("cells/*/*/*"))}


def test_failures_are_told_kept_apart_and_tried_again(
    tmp_path: Path, write_tiny: Write, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, out, said = load_profile(write_tiny(tmp_path, ("n = 12", "n = 4"))), tmp_path / "run", []
    whole_run = cells.CellMaker.run

    def fail(self: cells.CellMaker, cell: Any, protocol_hash: str) -> None:
        if cell.place == ("identity", "label", "Bangs"):
            raise ArithmeticError("by order")
        if cell.place == ("identity", "label", "Male"):
            cells.write_bytes = full  # the disk is full from here on
        whole_run(self, cell, protocol_hash)

    def full(path: Path, data: bytes) -> None:
        raise CannotWrite(f"{path} cannot be written (No space left on device)")

    monkeypatch.setattr(cells, "write_bytes", cells.write_bytes)
    with monkeypatch.context() as patched:
        patched.setattr(cells.CellMaker, "run", fail)
        with pytest.raises(CannotWrite, match="No space left"):
            run_benchmark(profile, out, methods=["identity"], say=said.append)
    monkeypatch.setattr(cells, "write_bytes", write_bytes)
    before = state(out)
    assert "cells/identity/label/Male.json" not in before
    assert "ArithmeticError: by order" in before.pop("cells/identity/label/Bangs.error.txt").decode()
    assert len(before) >= 3
    with monkeypatch.context() as patched:  # the worker of one job dies again and again
        patched.setattr(
            runner,
            "run_jobs",
            lambda function, jobs, give_up, **_: (
                give_up(job, "SIGKILL") if job.attribute == "Bangs" else function(job) for job in jobs
            ),
        )
        failed = run_benchmark(profile, out, methods=["identity"], say=said.append)
    assert failed == ["identity/label/Bangs", "identity/reference/Bangs"]
    assert any("FAILED identity/label/Bangs: WorkerDied: the worker died twice (SIG" in each for each in said)
    assert run_benchmark(profile, out, methods=["identity"], say=said.append) == []
    after = state(out)
    assert all(after[name] == data for name, data in before.items())
    assert not [name for name in after if name.endswith(".txt")]

    # Verified: the same bytes; one number changed by hand: told.
    lines: list[str] = []
    found = verify.verify_run(out, cells=2, seed=1, say=lines.append)
    assert [cell.same for cell in found] == [True, True]
    assert lines == ["2 cells are made again (tiny, seed 1)."]
    path = RunDirectory(out).cell_file("identity", "label", "Bangs")
    record = json.loads(path.read_text())
    record["measures"]["accuracy"]["value"] = 0.123
    del record["sha256"]
    path.write_text(json.dumps(sealed(record)))  # with care: the seal fits
    (tmp_path / "run.json").write_text((out / "run.json").read_text())
    different = [cell for cell in verify.verify_run(out, cells=10**6, say=lines.append) if not cell.same]
    assert [cell.place for cell in different] == ["identity/label/Bangs"]
    assert different[0].changes[0].startswith("measures.accuracy.value: 0.123 -> ")
