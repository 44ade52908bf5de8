"""A user without a home, a terminal of another language, a clock that was set back, a disk that is too small."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from little_run import write_little_run
from numpy.typing import NDArray

from bridgebench import __main__ as program
from bridgebench.harness.benchmark.status import benchmark_status
from bridgebench.harness.commands.main import main
from bridgebench.harness.commands.output import show_json
from bridgebench.harness.data import cache
from bridgebench.harness.data.cache import cached_images
from bridgebench.harness.data.photo_sources import PhotoFolder
from bridgebench.harness.processes.holder import holder
from bridgebench.harness.processes.user_cache import default_cache_dir
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import write_bytes


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("BRIDGEBENCH_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(UserError, match="no home folder: set BRIDGEBENCH_CACHE"):
        default_cache_dir()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_of_another_language_shows_what_it_can(
    monkeypatch: pytest.MonkeyPatch, encoding: str, tmp_path: Path
) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setattr(sys, "argv", ["bridgebench", "report", str(tmp_path / "猫 \udcff → run")])
    monkeypatch.setattr(program, "guarded", nullcontext)  # its watch over signals would outlive this test
    with pytest.raises(SystemExit) as ended:
        program.run()
    streams[1].flush()
    said = streams[1].buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert ended.value.code == 2
    assert "run is not a run directory" in said
    assert "Traceback" not in said


def test_results_for_programs_are_ascii_whatever_a_name_holds(capsys: pytest.CaptureFixture[str]) -> None:
    found = {"name": "猫 \udcff \ud800 →"}
    show_json(found)
    said = capsys.readouterr().out
    assert said.isascii()
    assert json.loads(said) == found


def test_a_clock_that_was_set_back_leads_to_no_time_left_below_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_little_run(tmp_path / "run")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    owner = {"host": socket.gethostname(), "boot": boot, "pid": os.getpid()}
    (run / ".lock").write_text(json.dumps(owner))
    later = (run / "run.json").stat().st_mtime + 3600
    for path in [run / "run.json", *run.glob("cells/*/*/*.json")]:
        os.utime(path, (later, later))
    found = benchmark_status(run)
    assert (found.state, found.seconds_left, found.seconds_since) == ("running", None, 0.0)


@pytest.mark.parametrize("pid", ["99999999999", "1e400", "-1", "[]", '"x"'])
def test_a_lock_that_names_no_process_is_no_lock(tmp_path: Path, pid: str) -> None:
    (tmp_path / ".lock").write_text(f'{{"host": "{socket.gethostname()}", "pid": {pid}}}')
    assert holder(tmp_path) is None


def draw(job: int) -> NDArray[np.uint8]:
    """An image."""
    return np.full((32, 32, 3), job, np.uint8)


def test_more_images_than_the_disk_has_room_for_are_refused_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "disk_usage", lambda folder: SimpleNamespace(free=100 * 32 * 32 * 3 - 1))
    with pytest.raises(UserError, match=r"100 images take 0\.0 GiB in .*, where 0\.0 GiB are free: ask for fewer"):
        cached_images({}, draw, range(100), size=32, name="squares", cache_dir=tmp_path)
    assert cached_images({}, draw, range(99), size=32, name="squares", cache_dir=tmp_path).images.shape[0] == 99


def test_a_photo_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "a\nb.png").write_bytes(b"")
    assert [*PhotoFolder(tmp_path).photos()] == ["a\nb.png"]
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff.png")).write_bytes(b"")
    with pytest.raises(UserError, match="holds \N{REPLACEMENT CHARACTER}\\.png, whose name is no UTF-8: rename it"):
        PhotoFolder(tmp_path).photos()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("train = 99999999999", "data.train should be less than or equal to 10000000"),
        ("image_size = 32000000", "data.image_size should be less than or equal to 2048"),
    ],
)
def test_a_profile_cannot_ask_for_memory_without_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    key = line.partition(" ")[0]
    text = "\n".join(f"{name} = {value}" for name, value in _DATA.items() if name != key)
    (tmp_path / "p.toml").write_text(_REST + text + "\n" + line)
    assert main(["data", "prepare", str(tmp_path / "p.toml")]) == 2
    assert sentence in capsys.readouterr().err


_DATA: dict[str, object] = {"name": '"faces"', "image_size": 32, "train": 4, "validation": 4, "test": 4}
_REST = """
attributes = ["Smiling"]
methods = ["identity"]
[evaluation]
n = 2
batch = 2
minimum_n = 2
[data]
"""


def test_a_file_beyond_the_limit_of_the_system_is_told(tmp_path: Path) -> None:
    """A limit on the size of files (`ulimit -f`) gives an error of the system, and no end by a signal."""
    (tmp_path / "page.html").write_bytes(b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(CannotWrite, match="cannot be written \\(File too large\\)"):
            write_bytes(tmp_path / "page.html", bytes(30_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"page.html": b"before"}
