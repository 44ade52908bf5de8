"""Memory and disks that run out, for real: clear words, nothing half-written, and the rest goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_training_faults import profile as training_profile
from test_training_faults import saved_iteration

from bridgebench import methods
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark import runner
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.train import loop
from bridgebench.harness.train.checkpoint import FILE
from bridgebench.methods.core.errors import CannotWrite
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.site import build

Write = Callable[..., Path]

# --- memory -----------------------------------------------------------------------------------------------------------

# A method that needs too much for two attributes: the system refuses it, or kills its process.
HUNGRY = """
import os, resource, signal
import torch
from bridgebench.methods import MethodCard
from bridgebench.methods.editor import Editor

CARD = MethodCard(
    name="hungry", title="Hungry", modes=frozenset({"label"}), kind="method", paper="none", summary="Eats.",
    editor="hungry:Hungry", strength=None,
)

class Hungry(Editor):
    card = CARD

    def label_edit(self, images, labels, source_labels, **options):
        flipped = [self.attributes[column] for column in (labels != source_labels).any(0).nonzero().flatten()]
        if "Smiling" in flipped:
            self.eat()
        if "Male" in flipped:
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory is short
        return images

    def eat(self):
        pages = int(open("/proc/self/statm").read().split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**28, before[1]))
        try:
            torch.zeros(2**30)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
"""


@pytest.fixture
def hungry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The method is installed."""
    folder = tmp_path / "site"
    write_bytes(folder / "hungry.py", HUNGRY.encode())
    write_bytes(folder / "hungry-1.dist-info" / "METADATA", b"Metadata-Version: 2.1\nName: hungry\nVersion: 1\n")
    write_bytes(
        folder / "hungry-1.dist-info" / "entry_points.txt", f"[{methods.GROUP}]\nhungry = hungry:CARD\n".encode()
    )
    monkeypatch.syspath_prepend(folder)
    methods._entries.cache_clear()
    yield
    methods._entries.cache_clear()


def test_a_worker_without_memory_loses_its_cell_alone(tmp_path: Path, write_tiny: Write, hungry: None) -> None:
    profile, out, said = load_profile(write_tiny(tmp_path, ("n = 12", "n = 4"))), tmp_path / "run", []
    failed = run_benchmark(profile, out, methods=["hungry"], workers=1, say=said.append)
    assert failed == ["hungry/label/Male", "hungry/label/Smiling"]
    run = RunDirectory(out)
    assert len([*run.cells()]) == 12
    told = [line for line in said if line.startswith("FAILED")]
    assert [line.split(" (see")[0] for line in told] == [
        "FAILED hungry/label/Male: MethodDied: the process of the method ended in the middle of its work (SIGKILL), "
        "likely for want of memory: try --workers 1",
        "FAILED hungry/label/Smiling: OutOfMemory: more memory was asked for than there is: try --workers 1, or a "
        "smaller batch",
    ]
    assert "in eat" in run.error_file("hungry", "label", "Smiling").read_text()
    assert build(out).is_file()


# --- disks ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], check=False).returncode
    ):
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in this process: what is tested is not how they are sent."""
    monkeypatch.setattr(runner, "run_jobs", lambda function, jobs, **_: (function(job) for job in jobs))
    monkeypatch.setattr(runner, "_run_costs", lambda *_: None)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_benchmark_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    tmp_path: Path, disk: Path, write_tiny: Write, here: None, capsys: Any
) -> None:
    profile = write_tiny(tmp_path, ("n = 12", "n = 4"))
    command = ["benchmark", "--profile", str(profile), "--methods", "identity", "--out", str(disk / "run")]
    assert main(command) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "cannot be written (No space left on device); what was there before is untouched: make room" in said
    before = files(disk)
    assert not [name for name in before if "/." in name or name.endswith(".error.txt")]
    assert 0 < len([name for name in before if name.startswith("run/cells/")]) < 28
    remount(disk, "size=64m")
    assert main(command) == 0
    after = files(disk)
    assert all(after[name] == data for name, data in before.items() if name.startswith("run/cells/"))
    assert len([name for name in after if name.startswith("run/cells/")]) == 28


def test_a_read_only_folder_is_told_before_anything_is_done(
    tmp_path: Path, disk: Path, write_tiny: Write, capsys: Any
) -> None:
    profile = str(write_tiny(tmp_path))
    remount(disk, "ro")
    for command in (["benchmark", "--profile", profile], ["train", "stargan", "--profile", profile]):
        assert main([*command, "--out", str(disk / "run")]) == 2
        said = capsys.readouterr().err.strip()
        assert said == f"bridgebench: {disk}/run cannot be written (Read-only file system); name another --out."


def test_a_training_on_a_full_disk_keeps_its_last_checkpoint(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remount(disk, "size=4m")
    out = disk / "run"
    loop.train("stargan", training_profile(iterations=2), out=out)
    room = os.statvfs(disk)
    (disk / "others").write_bytes(b"0" * (room.f_bavail * room.f_frsize - 4096))
    with pytest.raises(CannotWrite, match="No space left on device"):
        loop.train("stargan", training_profile(), out=out, resume=True)
    assert saved_iteration(out) == 2
    assert not [*disk.rglob(".*")]
    (disk / "others").unlink()
    loop.train("stargan", training_profile(), out=out, resume=True)
    assert saved_iteration(out) == 6
    assert (out / FILE).is_file()
