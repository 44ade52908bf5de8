"""Manifests and archives: what was changed after a run is told, and hostile archives write nothing anywhere."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_run import write_run

from bridgebench.eval.records import archive
from bridgebench.eval.records.archive import archived_run, unzipped, zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.manifest import write_manifest
from bridgebench.harness.commands.main import main
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.publish import PUBLISHED

CELL = "cells/stargan/label/Male.json"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = write_run(tmp_path / "run")
    write_manifest(RunDirectory(folder))
    return folder


@pytest.fixture
def packed(run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "a-records.zip"
    path.write_bytes(zipped(RunDirectory(run)))
    return path


def test_a_manifest_is_what_sha256sum_says(run: Path) -> None:
    files = json.loads((run / "manifest.json").read_text())["files"]
    said = subprocess.run(["sha256sum", *files], cwd=run, capture_output=True, text=True, check=True).stdout
    assert {line[66:]: line[:64] for line in said.splitlines()} == files
    assert {"run.json", "baselines.json", CELL} <= files.keys()
    pictures = {path.relative_to(run).as_posix() for path in run.glob("samples/**/*.png")}
    assert pictures and pictures <= files.keys()


def test_what_was_changed_after_a_run_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = len(json.loads((run / "manifest.json").read_text())["files"])
    (run / "report").mkdir()
    (run / "report" / "index.html").write_text("a page is no record")
    assert main(["records", "verify", str(run)]) == 0
    digest = hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest()
    assert capsys.readouterr().out == f"All {count} files are as the manifest says (its SHA-256: {digest}).\n"
    (run / CELL).write_text((run / CELL).read_text().replace("0", "1", 1))
    (run / "baselines.json").unlink()
    (run / "cells/stargan/label/New.json").write_text("{}")
    (run / "run.json").unlink()
    os.mkfifo(run / "run.json")
    assert main(["records", "verify", str(run)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[:-1] == [
        "missing baselines.json",
        f"changed {CELL}",
        "added   cells/stargan/label/New.json",
        "changed run.json (not a regular file)",
    ]
    assert out[-1].startswith("4 files are not as the manifest says")
    assert main(["records", "verify", str(run), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["changes"][0] == {"kind": "missing", "path": "baselines.json"}


def test_an_archive_has_its_manifest_and_is_read_only_as_it_was_made(
    run: Path, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zipped(RunDirectory(run)) == packed.read_bytes()
    assert main(["records", "verify", str(packed)]) == 0
    with archived_run(packed) as folder:
        assert (folder / CELL).read_bytes() == (run / CELL).read_bytes()
    rewrite(packed, lambda name, data: data.replace(b"0", b"1", 1) if name == CELL else data)
    assert main(["records", "verify", str(packed)]) == 1
    assert f"changed {CELL}\n" in capsys.readouterr().out
    with pytest.raises(UserError, match=f"was changed after it was made .changed {CELL}"), archived_run(packed):
        raise AssertionError("it was read")


def rewrite(path: Path, how: Callable[[str, bytes], bytes]) -> None:
    """Writes an archive anew, each member as `how` changes it."""
    with zipfile.ZipFile(path) as old:
        members = {name: how(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)


def test_archives_from_before_there_were_manifests_say_so(
    tmp_path: Path, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(packed) as found, zipfile.ZipFile(tmp_path / "old.zip", "w") as old:
        for name in found.namelist():
            if name != "manifest.json":
                old.writestr(name, found.read(name))
    assert main(["records", "verify", str(tmp_path / "old.zip")]) == 2
    assert "has no manifest.json" in capsys.readouterr().err
    for shipped in PUBLISHED.glob("*-records.zip"):
        with archived_run(shipped) as folder:
            assert (folder / "run.json").is_file()


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def device(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFIFO | 0o777) << 16
    return member


HOSTILE = {
    "zip slip": ["../escaped"],
    "zip slip, deep": ["cells/../../escaped"],
    "absolute": ["/tmp/escaped-of-bridgebench"],
    "backslashes": ["..\\escaped"],
    "drive": ["C:escaped"],
    "hidden": [".bridgebench.lock"],
    "dot": ["cells/./a.json"],
    "empty part": ["cells//a.json"],
    "twice": ["run.json", "run.json"],
    "twice in another case": ["run.json", "RUN.json"],
    "link": [link("cells")],
    "link, then through it": [link("cells"), "cells/a.json"],
    "pipe": [device("run.json")],
    "control character": ["cells/\x1b[2J.json"],
    "not ASCII": ["cells/\u202egpj.json"],
    "long": ["a" * 300],
    "deep": ["/".join("a" * 20)],
    "file in the place of a folder": ["cells", "cells/a.json"],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_hostile_members_are_refused(tmp_path: Path, members: list[str | zipfile.ZipInfo]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for member in members:
            made.writestr(member, "/etc/passwd")
    with (
        pytest.raises(UserError, match=r"a\.zip is damaged or not an archive|cannot be written"),
        unzipped(tmp_path / "a.zip"),
    ):
        raise AssertionError("it was unpacked")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert not Path("/tmp/escaped-of-bridgebench").exists()


def test_bombs_and_damage_are_refused(tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = packed.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("run.json", bytes(65 * 2**20))
    lying = bytearray(buffer.getvalue())
    central = lying.rindex(b"PK\x01\x02")
    lying[central + 24 : central + 28] = (10).to_bytes(4, "little")  # 65 MiB that claim to be ten bytes
    raw_name = good.replace(b"run.json", b"run\xff\xfe.js")
    with_null = good.replace(b"run.json", b"run\x00json")
    for bad in (buffer.getvalue(), bytes(lying), raw_name, with_null, good[:-30], good[: len(good) // 2], b"", b"PK"):
        (tmp_path / "bad.zip").write_bytes(bad)
        with pytest.raises(UserError, match=r"bad\.zip is damaged or not an archive"), unzipped(tmp_path / "bad.zip"):
            raise AssertionError("it was unpacked")
    monkeypatch.setattr(archive, "_MOST_BYTES", 1000)
    with pytest.raises(UserError, match="unpack to more"), unzipped(packed):
        raise AssertionError("it was unpacked")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "cells/../../x"])
def test_a_manifest_names_nothing_outside(run: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (run / "manifest.json").write_text(json.dumps({"schema": 1, "files": {name: "0" * 64}}))
    assert main(["records", "verify", str(run)]) == 2
    assert "is no path of a record" in capsys.readouterr().err


# --- signatures -------------------------------------------------------------------------------------------------------


def test_the_manifest_is_what_sigstore_signs(
    run: Path, packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """sigstore's own classes, but those that reach its servers."""
    pytest.importorskip("sigstore")
    from sigstore.sign import Signer, SigningContext

    signed = []

    class FakeSigner(Signer):
        def __init__(self) -> None:
            pass

        def sign_artifact(self, input_: bytes) -> SimpleNamespace:
            signed.append(hashlib.sha256(input_).hexdigest())
            return SimpleNamespace(to_json=lambda: '{"a": "bundle"}')

        def __enter__(self) -> FakeSigner:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    trust = SimpleNamespace(signing_config=SimpleNamespace(get_oidc_url=lambda: "https://issuer"))
    monkeypatch.setattr("sigstore.models.ClientTrustConfig.production", lambda: trust)
    monkeypatch.setattr("sigstore.oidc.detect_credential", lambda: None)
    monkeypatch.setattr("sigstore.oidc.Issuer", lambda url: SimpleNamespace(identity_token=lambda: f"token of {url}"))
    context = SimpleNamespace(signer=lambda token: FakeSigner() if token == "token of https://issuer" else None)
    monkeypatch.setattr(SigningContext, "from_trust_config", lambda found: context if found is trust else None)
    assert main(["records", "sign", str(run)]) == 0
    assert main(["records", "sign", str(packed)]) == 0
    assert (run / "manifest.sigstore.json").read_text() == '{"a": "bundle"}'
    assert packed.with_name("a-records.zip.sigstore.json").read_text() == '{"a": "bundle"}'
    with zipfile.ZipFile(packed) as found:
        manifests = [(run / "manifest.json").read_bytes(), found.read("manifest.json")]
    assert signed == [hashlib.sha256(manifest).hexdigest() for manifest in manifests]
    (run / CELL).write_text("{}")
    assert main(["records", "sign", str(run)]) == 2
    assert len(signed) == 2


def test_a_signature_is_checked_for_the_manifest_and_the_identity(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sigstore")
    from sigstore.errors import VerificationError
    from sigstore.models import Bundle
    from sigstore.verify.policy import Identity

    who = ["--identity", "me@example.org", "--issuer", "https://accounts.example.org"]
    assert main(["records", "verify", str(run), *who]) == 2
    assert "is not signed: there is no" in capsys.readouterr().err
    (run / "manifest.sigstore.json").write_text('{"no": "bundle"}')
    assert main(["records", "verify", str(run), *who]) == 2  # by sigstore's own reader of bundles
    assert "is not one of this manifest by me@example.org" in capsys.readouterr().err

    content = (run / "manifest.json").read_bytes()

    class FakeVerifier:
        def verify_artifact(self, input_: bytes, bundle: str, policy: Identity) -> None:
            assert isinstance(policy, Identity) and bundle == "the bundle"
            if input_ != content:
                raise VerificationError("other bytes")

    monkeypatch.setattr(Bundle, "from_json", lambda text: "the bundle")
    monkeypatch.setattr("sigstore.verify.Verifier.production", FakeVerifier)
    assert main(["records", "verify", str(run), *who]) == 0
    assert "which me@example.org has signed" in capsys.readouterr().out
    (run / CELL).write_text("{}")
    write_manifest(RunDirectory(run))
    assert main(["records", "verify", str(run), *who]) == 2
    assert "other bytes" in capsys.readouterr().err
    assert main(["records", "verify", str(run), "--identity", "me@example.org"]) == 2
    assert "belong together" in capsys.readouterr().err


def test_the_missing_extra_is_one_sentence(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sigstore", "sigstore.errors", "sigstore.models"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    assert main(["records", "sign", str(run)]) == 2
    assert 'pip install "bridgebench[sign]"' in capsys.readouterr().err
