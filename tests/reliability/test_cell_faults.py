"""Cells, workers and folders that fail: nothing is lost, nothing half-written, the words are clear."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import harness.workbench as workbench_module
from harness import __main__, group, runner, verify
from harness.backends import run_jobs
from harness.lock import LOCK, locked
from harness.main import main
from harness.pool import Death, run_in_processes
from harness.profiles import load_profile
from harness.runner import run_benchmark
from harness.store import RunDirectory
from methods import files
from methods.attributes import CELEBA14
from methods.errors import CannotWrite, UserError
from methods.files import write_bytes

sys.path.insert(0, str(Path(__file__).parent))  # where worker processes look for it
from jobs import die, die_once

Write = Callable[..., Path]

# --- workers ----------------------------------------------------------------------------------------------------------


def alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().split(")")[1][:3]
    except OSError:
        return False


def test_the_job_of_a_killed_worker_is_done_again(tmp_path: Path) -> None:
    assert sorted(run_in_processes(die_once, [(str(tmp_path), number) for number in range(4)], 2)) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_a_job_over_which_workers_die_stops_no_other() -> None:
    found = list(run_in_processes(die, [0, 1, 2], 1))
    assert [each for each in found if not isinstance(each, Death)] == [0, 2]
    assert [each for each in found if isinstance(each, Death)] == [Death(1, "SIGKILL")]


def test_dask_gives_the_job_of_a_killed_worker_to_another(tmp_path: Path) -> None:
    jobs = [(str(tmp_path), number) for number in range(4)]
    assert sorted(run_jobs(die_once, jobs, backend="dask", scheduler=None, workers=2)) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_dask_gives_a_job_up_at_last() -> None:
    def give_up(number: int, cause: str) -> str:
        return f"{number}: {cause}"

    found = list(run_jobs(die, [0, 1], backend="dask", scheduler=None, workers=1, give_up=give_up))
    assert sorted(map(str, found)) == ["0", "1: lost by Dask"]


PROGRAM = """
import sys
sys.path[:0] = [{here!r}, {root!r}]
from jobs import linger
from harness.pool import run_in_processes
from harness.stopping import guarded
if __name__ == "__main__":
    with guarded():
        list(run_in_processes(linger, [{folder!r}] * 2, 2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_run(tmp_path: Path, number: signal.Signals) -> None:
    script, folder = tmp_path / "program.py", tmp_path / "workers"
    folder.mkdir()
    here = Path(__file__).parent
    script.write_text(PROGRAM.format(here=str(here), root=str(here.parent.parent), folder=str(folder)))
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 300
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(path.name) for path in folder.iterdir()]
    assert len(workers) == 2
    assert all(map(alive, workers))
    process.send_signal(number)
    process.wait(30)
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


@pytest.mark.parametrize(("code", "at_once"), [(130, True), (143, True), (1, False), (0, False)])
def test_a_stopped_command_does_not_wait_for_the_interpreter(
    code: int, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(BaseException):
        pass

    def leave(status: int) -> None:
        raise Left(status)

    monkeypatch.setattr("harness.main.main", lambda: code)
    monkeypatch.setattr(__main__, "guarded", nullcontext)
    monkeypatch.setattr(__main__.os, "_exit", leave)
    with pytest.raises(Left if at_once else SystemExit) as ended:
        __main__.run()
    assert ended.value.args == (code,)


# --- the folder -------------------------------------------------------------------------------------------------------


def test_a_second_run_in_a_folder_says_so_and_stops(tmp_path: Path, write_tiny: Write, capsys: Any) -> None:
    out = tmp_path / "run"
    profile = write_tiny(tmp_path)
    with locked(out):
        assert json.loads((out / LOCK).read_text()) == {"host": socket.gethostname(), "pid": os.getpid()}
        assert main(["benchmark", "--profile", str(profile), "--out", str(out)]) == 2
        assert [path.name for path in out.iterdir()] == [LOCK]
    assert f"{out} is in use by another run (process {os.getpid()} on " in capsys.readouterr().err
    assert not (out / LOCK).exists()


def test_the_lock_of_a_killed_run_holds_nobody_up_but_that_of_another_machine_does(tmp_path: Path) -> None:
    for owner in ({"host": socket.gethostname(), "pid": 1}, "half writ", [], {}):
        (tmp_path / LOCK).write_text(json.dumps(owner)[:12] if owner == "half writ" else json.dumps(owner))
        with locked(tmp_path):
            pass
    (tmp_path / LOCK).write_text(json.dumps({"host": "elsewhere", "pid": 7}))
    with (
        pytest.raises(UserError, match=r"process 7 on elsewhere\); if that one runs no more, remove .*\.lock"),
        locked(tmp_path),
    ):
        pass
    assert (tmp_path / LOCK).exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_leaves_the_file_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "file.json"
    write_bytes(path, b"before")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(
        CannotWrite, match=f"file.json cannot be written .{os.strerror(number)}.; what was there before"
    ):
        write_bytes(path, b"after")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file.json": b"before"}


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_done(
    tmp_path: Path, write_tiny: Write, capsys: Any
) -> None:
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "file" / "run"
    assert main(["benchmark", "--profile", str(write_tiny(tmp_path)), "--out", str(out)]) == 2
    assert f"{out} cannot be written (Not a directory)" in capsys.readouterr().err


# --- cells ------------------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr("reports.site.build", lambda run: run / "report")  # the page has tests of its own
    whole_run = group.Group.run

    def fail(self: group.Group, cell: Any, protocol_hash: str) -> None:
        if cell.place == ("identity", "label", "Bangs"):
            raise ArithmeticError("by order")
        if cell.place == ("identity", "label", "Male"):
            group.write_bytes = full  # the disk is full from here on
        whole_run(self, cell, protocol_hash)

    def full(path: Path, data: bytes) -> None:
        raise CannotWrite(f"{path} cannot be written (No space left on device)")

    monkeypatch.setattr(group, "write_bytes", group.write_bytes)
    with monkeypatch.context() as patched:
        patched.setattr(group.Group, "run", fail)
        with pytest.raises(CannotWrite, match="No space left"):
            run_benchmark(profile, out, methods=["identity"], say=said.append)
    monkeypatch.setattr(group, "write_bytes", write_bytes)
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
    assert verify.verify_run(out, cells=2, seed=1, say=lines.append) == []
    assert sum(line.startswith("same ") for line in lines) == 2
    path = RunDirectory(out).cell_file("identity", "label", "Bangs")
    record = json.loads(path.read_text())
    record["measures"]["accuracy"]["value"] = 0.123
    path.write_text(json.dumps(record))
    (tmp_path / "run.json").write_text((out / "run.json").read_text())
    different = verify.verify_run(out, cells=10**6, say=lines.append)
    assert different == ["identity/label/Bangs"]
    assert any("DIFFERENT  identity/label/Bangs: measures.accuracy.value: 0.123 -> " in line for line in lines)
