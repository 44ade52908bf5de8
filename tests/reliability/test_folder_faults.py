"""Run directories in use, full, or that cannot be written: nothing half-written, the words are clear."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.lock import LOCK, locked
from bridgebench.methods.core import files
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import write_bytes

Write = Callable[..., Path]


def test_a_second_run_in_a_folder_says_so_and_stops(tmp_path: Path, write_tiny: Write, capsys: Any) -> None:
    out = tmp_path / "run"
    profile = write_tiny(tmp_path)
    with locked(out):
        owner = json.loads((out / LOCK).read_text())
        assert (owner["host"], owner["pid"]) == (socket.gethostname(), os.getpid())
        assert main(["benchmark", "--profile", str(profile), "--out", str(out)]) == 2
        assert [path.name for path in out.iterdir()] == [LOCK]
    assert f"{out} is in use by another run (process {os.getpid()} on " in capsys.readouterr().err
    assert not (out / LOCK).exists()


def test_the_lock_of_a_killed_run_on_this_machine_holds_nobody_up(tmp_path: Path) -> None:
    for left in (json.dumps({"host": socket.gethostname(), "pid": 1}), '{"ho', '{"host": "x', ""):
        (tmp_path / LOCK).write_text(left)
        with locked(tmp_path):
            pass


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path.parent / "nowhere")])
def test_a_lock_that_is_no_file_is_told_and_left(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / LOCK)
    with pytest.raises(UserError, match=r"\.lock is no file, .* remove it|cannot be written"), locked(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


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
