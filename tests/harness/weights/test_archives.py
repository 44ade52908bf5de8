"""Release archives: made of the git history, fetched from a file or by http, taken only if their SHA-256 is right."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from bridgebench.eval.records.archive import archived_run
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.weights import archives
from bridgebench.harness.weights.archives import Archive, fetch
from bridgebench.harness.weights.find import find_weights, judge_weights, weights_at_hand
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header
from bridgebench.reports.publish import ABLATIONS
from bridgebench.reports.read.run import Run
from bridgebench.reports.words.results_page import PAGE, with_parts

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / ".ci" / "archive.py"
CONTENTS = {"a.safetensors": b"a" * 700_000, "a.md": b"words", "page.html": b"<html>" * 1000}


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the ablations, made of the git history."""
    commit = archives.archives()["ablations"].commit
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    if known.returncode:
        pytest.skip(f"this copy of the repository lacks the commit {commit}, which holds the ablations' files")
    path = tmp_path_factory.mktemp("made") / "ablations.zip"
    done = script("make", "ablations", "--out", str(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRIDGEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def small(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """A small archive in place of the list's; its file is ``small.zip`` in the working directory."""
    with zipfile.ZipFile("small.zip", "w") as file:
        for name, content in CONTENTS.items():
            file.writestr(name, content)
    data = Path("small.zip").read_bytes()
    files = {f"somewhere/{name}": sha256(content).hexdigest() for name, content in CONTENTS.items()}
    found = Archive("small", "A test's.", None, "0" * 40, len(data), sha256(data).hexdigest(), files)
    monkeypatch.setattr(archives, "archives", lambda: {"small": found})
    return found


class Server(ThreadingHTTPServer):
    """Serves some bytes at every path; it can break off, and it can be one that knows no ranges.

    Attributes:
        data: the bytes.
        most: how many bytes it sends in one answer before it breaks off.
        ranges: whether it goes on in the middle when asked to.
        asked: the ranges that it was asked for, None for the whole.
    """

    data: bytes = b""
    most = 10**9
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str | None] = []
        self.address = f"http://127.0.0.1:{self.server_port}/small.zip"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = cast(Server, self.server)
        server.asked.append(self.headers.get("Range"))
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/small.zip")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(self.headers["Range"][6:-1]) if server.ranges and "Range" in self.headers else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.data) - 1}/{len(server.data)}")
        self.send_header("Content-Length", str(len(server.data) - start))
        self.end_headers()
        self.wfile.write(server.data[start : start + server.most])

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(data: bytes) -> Iterator[Server]:
    server = Server()
    server.data = data
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(small: Archive) -> Iterator[Server]:
    with serving(Path("small.zip").read_bytes()) as found:
        yield found


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def test_the_archive_of_the_history_brings_what_the_profile_needs(
    made: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = load_profile("ablations")
    assert find_weights("bridgegan-seed1", profile) is None
    with pytest.raises(UserError, match="`bridgebench weights fetch ablations` fetches trained ones"):
        judge_weights("primary", profile)
    assert main(["weights", "fetch", "ablations", "--from", str(made)]) == 0
    folder = archives.archives()["ablations"].folder
    assert capsys.readouterr().out == f"The files are in {folder}\n" and folder.is_relative_to(cache)
    for name in (*profile.methods, "classifier", "judge"):
        if name not in ("identity", "copy", "attack", "oracle"):
            path = find_weights(name, profile)
            assert path is not None and path.parent == folder
            assert header(path)["card"].get("profile", "ablations") == "ablations"
    assert set(folder.glob("*.safetensors")) <= {path for paths in weights_at_hand().values() for path in paths}
    assert main(["methods", "--variants"]) == 0
    assert "bridgegan-seed1-ablations.safetensors (fetched)" in capsys.readouterr().out
    assert main(["methods", "--json"]) == 0
    methods = {method["name"]: method for method in json.loads(capsys.readouterr().out)["methods"]}
    files = {one["variant"]: one for one in methods["bridgegan"]["weights"] if one["profile"] == "ablations"}
    assert files["bridgegan-seed1"]["fetched"] and not files["bridgegan-seed1"]["shipped"] and None in files


def test_the_archive_is_the_same_each_time(made: Path, tmp_path: Path) -> None:
    archive = archives.archives()["ablations"]
    assert (made.stat().st_size, sha256(made.read_bytes()).hexdigest()) == (archive.size, archive.sha256)
    members = zipfile.ZipFile(made).infolist()
    assert [member.filename for member in members] == sorted(archive.members)
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}


def test_the_docs_tell_what_the_records_in_the_archive_say(made: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(made) as file:
        (tmp_path / ABLATIONS).write_bytes(file.read(ABLATIONS))
    text = PAGE.read_text(encoding="utf-8")
    with archived_run(tmp_path / ABLATIONS) as folder:
        assert (
            with_parts(text, Run(folder)) == text
        )  # else: python -m bridgebench.reports.publish ablations-records.zip


def test_no_listed_file_lies_in_the_tree_as_well() -> None:
    for archive in archives.archives().values():
        assert [path for path in archive.files if (ROOT / path).exists()] == []


def test_a_file_is_taken_out_once(small: Archive) -> None:
    assert fetch("small", "small.zip") == small.folder
    assert held(small.folder) == CONTENTS
    Path("small.zip").unlink()
    assert fetch("small") == small.folder  # nothing is missing, so nothing is asked for


def test_what_was_damaged_or_lost_is_taken_out_again(small: Archive) -> None:
    fetch("small", "small.zip")
    (small.folder / "a.safetensors").write_bytes(b"b" * 700_000)
    (small.folder / "a.md").unlink()
    before = (small.folder / "page.html").stat().st_mtime_ns
    fetch("small", "small.zip")
    assert held(small.folder) == CONTENTS
    assert (small.folder / "page.html").stat().st_mtime_ns == before


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(small: Archive, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(CONTENTS["a.md"])
    small.folder.mkdir(parents=True)
    (small.folder / "a.md").symlink_to(mine)
    fetch("small", "small.zip")
    assert not (small.folder / "a.md").is_symlink() and mine.read_bytes() == CONTENTS["a.md"]


def test_another_file_is_refused_whole(small: Archive) -> None:
    data = bytearray(Path("small.zip").read_bytes())
    data[1000] ^= 1
    Path("changed.zip").write_bytes(data)
    Path("longer.zip").write_bytes(Path("small.zip").read_bytes() + b"more")
    Path("folder").mkdir()
    for name in ("changed.zip", "longer.zip", "folder", "nowhere.zip"):
        with pytest.raises(UserError, match=rf"{name} is not the archive 'small'.*--from"):
            fetch("small", name)
    assert held(small.folder) == {}


def test_without_an_address_one_is_told_where_to_get_it(small: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "small"]) == 2
    assert "has no address yet: name a copy by --from FILE|URL" in capsys.readouterr().err
    assert main(["weights", "fetch", "smal"]) == 2
    assert "Did you mean 'small'?" in capsys.readouterr().err


def test_it_is_fetched_by_http_and_nothing_else_is_left(server: Server, small: Archive) -> None:
    fetch("small", server.address)
    assert held(small.folder) == CONTENTS
    assert {path.name for path in small.folder.parent.iterdir()} <= {small.folder.name, f"{small.folder.name}.lock"}
    shutil.rmtree(small.folder)
    fetch("small", server.address.replace("small.zip", "elsewhere"))  # a server may lead on
    assert held(small.folder) == CONTENTS


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_goes_on(server: Server, small: Archive, ranges: bool) -> None:
    server.most, server.ranges = 300_000, ranges
    with pytest.raises(UserError, match=r"0\.3 MB have come and are kept: give the same command again"):
        fetch("small", server.address)
    assert held(small.folder) == {}
    server.most = 10**9
    fetch("small", server.address)
    assert server.asked == [None, "bytes=300000-"]
    assert held(small.folder) == CONTENTS


def test_a_wrong_download_is_not_gone_on_with(server: Server, small: Archive) -> None:
    right, other = server.data, b"x" * small.size
    server.data, server.most = other, 300_000
    with pytest.raises(UserError, match="MB have come"):
        fetch("small", server.address)
    server.data, server.most = right, 10**9
    with pytest.raises(UserError, match="SHA-256"):
        fetch("small", server.address)
    assert held(small.folder) == {}
    fetch("small", server.address)
    assert server.asked[-1] is None and held(small.folder) == CONTENTS


def test_an_endless_answer_is_cut(server: Server, small: Archive) -> None:
    server.data += bytes(2**20)
    with pytest.raises(UserError, match="more than the"):
        fetch("small", server.address)
    server.data = server.data[: small.size]
    fetch("small", server.address)
    assert held(small.folder) == CONTENTS


def test_what_goes_wrong_on_the_way_is_told(server: Server, small: Archive) -> None:
    with pytest.raises(UserError, match=r"answers 404 .*--from FILE\|URL"):
        fetch("small", server.address.replace("small.zip", "missing"))
    for address in ("http://127.0.0.1:1/x.zip", "http://", "https://[x/y", "http://a b/"):
        with pytest.raises(UserError, match="could not be loaded"):
            fetch("small", address)
    for source in ("ftp://127.0.0.1/x.zip", "file:///etc/passwd"):  # the name of a file that is not there
        with pytest.raises(UserError, match="is not the archive"):
            fetch("small", source)


def test_the_address_of_the_list_is_used(server: Server, small: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Archive(**{**vars(small), "address": server.address})
    monkeypatch.setattr(archives, "archives", lambda: {"small": found})
    assert main(["weights", "fetch", "small"]) == 0
    assert held(small.folder) == CONTENTS
