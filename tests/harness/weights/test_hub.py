"""Files by hf:// addresses: fetched on the user's word alone, from a server on the loopback, checked, and cached.

The server speaks what huggingface_hub asks for: HEAD and GET of ``/OWNER/NAME/resolve/REVISION/FILE``.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

import bridgebench
from bridgebench import methods
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.hub_file import HubFile, parse_hub_address
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.weights import hub
from bridgebench.harness.weights.find import find_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.stargan.editor import StarGAN

COMMIT = "c" * 40
REPO = "lab/faces"


class Hub:
    """A hub on the loopback; `files` by path in the repository, `asked` the requests that came."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                content = self._answer()
                if content is not None:
                    self.wfile.write(content)

            def _answer(self) -> bytes | None:
                hub.asked.append(f"{self.command} {self.path}")
                start = f"/{REPO}/resolve/main/"
                content = hub.files.get(self.path.removeprefix(start)) if self.path.startswith(start) else None
                self.send_response(404 if content is None else 200)
                if content is None:
                    self.send_header("X-Error-Code", "EntryNotFound")
                    self.send_header("Content-Length", "0")
                else:
                    size = hub.sizes.get(self.path.removeprefix(start), len(content))
                    self.send_header("Content-Length", str(size if self.command == "HEAD" else len(content)))
                    self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                    self.send_header("X-Repo-Commit", COMMIT)
                self.end_headers()
                return content

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def put(self, path: str, content: bytes) -> str:
        """Puts a file; gives its address."""
        self.files[path] = content
        return str(HubFile(REPO, "main", path, hashlib.sha256(content).hexdigest()))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    found = Hub()
    monkeypatch.setenv("HF_ENDPOINT", found.address)
    monkeypatch.setenv("BRIDGEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small StarGAN's weights file."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    torch.manual_seed(0)
    methods.save(StarGAN(attributes=CELEBA14, image_size=32, width=8, blocks=1), path, {"origin": "a test"})
    return path.read_bytes()


def write_profile(folder: Path, address: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'like = "smoke"\nmethods = ["stargan"]\n\n[weights]\nstargan = "{address}"\n')
    return path


def test_a_typed_address_is_fetched_once_and_then_taken_from_the_cache(
    server: Hub, weights: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    address = server.put("zoo/stargan.safetensors", weights)
    assert main(["weights", "show", address]) == 0
    assert "stargan" in capsys.readouterr().out and server.asked
    count = len(server.asked)
    path = bridgebench.fetch(address)
    assert path.read_bytes() == weights and path.name == "stargan.safetensors"
    assert len(server.asked) == count
    assert methods.load("stargan", path).image_size == 32


def test_a_damaged_copy_in_the_cache_is_fetched_again(server: Hub, weights: bytes) -> None:
    address = server.put("stargan.safetensors", weights)
    path = bridgebench.fetch(address)
    path.write_bytes(weights[:-1] + b"x")
    assert bridgebench.fetch(address).read_bytes() == weights


def test_a_profile_downloads_nothing_unasked(
    server: Hub, weights: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = server.put("stargan.safetensors", weights)
    path = write_profile(tmp_path, address)
    profile = load_profile(path)
    assert profile.weights == {"stargan": address}
    with pytest.raises(UserError) as error:
        find_weights("stargan", profile)
    assert f"`bridgebench weights fetch '{address}'`" in str(error.value)
    run = tmp_path / "run"
    assert main(["benchmark", "--profile", str(path), "--out", str(run)]) == 2
    assert "nothing is downloaded unasked" in capsys.readouterr().err
    assert server.asked == [] and not run.exists()
    assert main(["weights", "fetch", "--profile", str(path)]) == 0
    found = find_weights("stargan", profile)
    assert found is not None and found.read_bytes() == weights


def test_another_file_than_the_one_that_is_meant_is_not_kept(server: Hub, weights: bytes, tmp_path: Path) -> None:
    address = server.put("stargan.safetensors", weights)
    server.files["stargan.safetensors"] = weights + b"more"
    with pytest.raises(UserError, match="is another file at the hub"):
        bridgebench.fetch(address)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_file_that_is_too_large_is_not_asked_for(
    server: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.put("stargan.safetensors", weights)
    monkeypatch.setattr(hub, "LARGEST", 100)
    with pytest.raises(UserError, match="bytes, at most 100"):
        bridgebench.fetch(address)
    assert not any(line.startswith("GET") for line in server.asked)


def test_what_is_not_there_is_told_in_a_sentence(server: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    address = str(HubFile(REPO, "main", "gone.safetensors", "0" * 64))
    assert main(["weights", "fetch", address]) == 2
    said = capsys.readouterr().err
    assert "cannot be fetched" in said and "Traceback" not in said


def test_record_archives_are_fetched_on_the_users_word(
    server: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = Path(__file__).parents[3] / "reports" / "published" / "animals64-records.zip"
    address = server.put("records/animals64-records.zip", published.read_bytes())
    assert main(["records", "verify", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] == []
    pages = tmp_path / "pages"
    assert main(["report", address]) == 2 and "by --out where the pages" in capsys.readouterr().err
    assert main(["report", address, "--out", str(pages)]) == 0 and (pages / "index.html").is_file()
    with pytest.raises(UserError, match=r"does not name a \.safetensors file"):
        bridgebench.fetch(address)


def test_an_address_is_what_it_says() -> None:
    text = f"hf://lab/faces@v1.0/zoo/a.safetensors#sha256={'a1' * 32}"
    found = parse_hub_address(text)
    assert (found.repo, found.revision, found.file, found.name) == (
        "lab/faces",
        "v1.0",
        "zoo/a.safetensors",
        "a.safetensors",
    )
    assert str(found) == text


@pytest.mark.parametrize(
    "wrong",
    [
        "hf://lab/faces@main/a.safetensors",
        f"hf://lab/faces/a.safetensors#sha256={'0' * 64}",
        f"hf://lab/faces@main/../a.safetensors#sha256={'0' * 64}",
        f"hf://lab/faces@main//etc/a.safetensors#sha256={'0' * 64}",
        f"hf://../faces@main/a.safetensors#sha256={'0' * 64}",
        f"hf://lab/faces@main/a.safetensors#sha256={'0' * 63}",
        f"hf://lab/faces@main/a.safetensors#sha256={'A' * 64}",
        f"hf://lab/faces@main/a.bin#sha256={'0' * 64}",
        f"hf://lab/faces@main/.hidden.safetensors#sha256={'0' * 64}",
        f"hf://lab/faces@main/a\x1b.safetensors#sha256={'0' * 64}",
    ],
)
def test_other_addresses_are_refused_where_they_are_named(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        parse_hub_address(wrong)
    with pytest.raises(UserError):
        load_profile(write_profile(tmp_path, wrong.replace("\x1b", "\\u001b")))


@pytest.mark.parametrize("name", ["lpips", "dinov2", "clip", "inception-imagenet"])
def test_what_is_no_safetensors_file_of_ours_has_no_address(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'like = "smoke"\n[weights]\n{name} = "hf://lab/faces@main/a.safetensors#sha256={"0" * 64}"\n')
    with pytest.raises(UserError, match=f"{name} is no safetensors file of bridgebench"):
        load_profile(path)
