"""Files from strangers: refused in clear words, never run, never followed out of their folder."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_run import write_run

from bridgebench.eval.judges.features import load_extractor
from bridgebench.eval.records.archive import unzipped
from bridgebench.eval.records.measured import Baselines, CellRecord
from bridgebench.eval.records.pictures import open_picture
from bridgebench.eval.records.summary import summary_csv
from bridgebench.harness.data.photo_sources import PhotoZip
from bridgebench.harness.profiles.profile import SHIPPED, load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import check_links, parse_json, read_bytes
from bridgebench.methods.core.weights import header
from bridgebench.methods.official.files import read_npz, read_torch
from bridgebench.reports.site import build

# --- official checkpoints ---------------------------------------------------------------------------------------------


def test_a_small_file_cannot_claim_a_large_tensor(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="weight is no plain tensor"):
        read_torch(tmp_path / "a.pth")
    torch.save({"weight": torch.eye(3).to_sparse()}, tmp_path / "b.pth")
    with pytest.raises(UserError, match=r"b\.pth is damaged"):
        read_torch(tmp_path / "b.pth")


def test_archives_that_unpack_to_more_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = io.BytesIO()
    torch.save({"weight": torch.zeros(1000, 100)}, good)
    with (
        zipfile.ZipFile(good) as source,
        zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for member in source.infolist():
            bomb.writestr(member.filename, source.read(member))
    with pytest.raises(UserError, match="unpack to more"):
        read_torch(tmp_path / "a.pth")
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 1000)))
    assert read_npz(tmp_path / "a.npz")["x"].shape == (1000, 1000)
    monkeypatch.setattr("bridgebench.methods.official.files._LARGEST", 10**6)
    with pytest.raises(UserError, match="unpack to more"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>quota exceeded</html>", b"\n <HTML><head>", b"\xef\xbb\xbf<html>"]
)
def test_a_web_page_in_place_of_weights_is_recognised(tmp_path: Path, page: bytes) -> None:
    path = tmp_path / "fetched"
    path.write_bytes(page)
    spaces = [partial(load_extractor, name) for name in ("inception", "inception-imagenet")]
    for reader in (read_torch, read_npz, header, *spaces):
        with pytest.raises(UserError, match="fetched is a web page, not the file itself: open its address in a brow"):
            reader(path)


def test_arrays_of_anything_but_numbers_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array(["text"]))
    with pytest.raises(UserError, match="other things than numbers"):
        read_npz(tmp_path / "a.npz")


# --- profiles and records ---------------------------------------------------------------------------------------------


def test_a_huge_or_deep_profile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(UserError, match="larger than 1,048,576 bytes"):
        load_profile(path)
    path.write_text("attributes = " + "[" * 20_000)
    with pytest.raises(UserError, match=r"big\.toml is not valid TOML"):
        load_profile(path)
    path.write_bytes((SHIPPED / "smoke.toml").read_bytes())
    assert load_profile(path).data.image_size == 32


def test_records_are_read_within_limits(tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text('{"a":' * 100_000)
    assert Baselines.find(deep) is None
    os.mkfifo(tmp_path / "pipe.json")
    assert Baselines.find(tmp_path / "pipe.json") is None  # and does not wait for a writer
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        read_bytes(deep, 10)
    for text in ("NaN", "[Infinity]", "{", "9" * 10_000):
        with pytest.raises(ValueError):
            parse_json(text)


# --- run directories --------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", pictures=False)


@pytest.mark.parametrize("place", ["report", "cells/stargan/label/Male.json", "samples", "cost/evil"])
def test_a_link_out_of_a_run_directory_is_refused(run: Path, tmp_path: Path, place: str) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "index.html").write_text("mine")
    link = run / place
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    with pytest.raises(UserError, match="leads out of"):
        build(run)
    assert [path.name for path in secret.iterdir()] == ["index.html"]
    assert (secret / "index.html").read_text() == "mine"


def test_links_within_a_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    check_links(tmp_path)


@pytest.mark.parametrize("name", ["../../../escaped", "..", "/escaped", "a/../../../escaped"])
def test_names_in_records_do_not_leave_the_page(run: Path, tmp_path: Path, name: str) -> None:
    record = json.loads((run / "run.json").read_text())
    record["methods"][name] = {**record["methods"]["stargan"], "title": name}
    record["attributes"] = [*record["attributes"], name]
    (run / "run.json").write_text(json.dumps(record))
    (tmp_path / "pages").mkdir()
    build(run, tmp_path / "pages" / "one")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "pages"}
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {"one"}
    assert not (tmp_path.parent / "escaped").exists()


def test_pictures_are_decoded_at_their_right_size_alone(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(bomb + chunk(b"IDAT", zlib.compress(b"\0" * 10**6)) + chunk(b"IEND", b""))
    with pytest.raises(UserError, match=r"is damaged|30000 x 30000 pixels, not a square"):
        open_picture(tmp_path / "bomb.png", lambda width, height: width == height, "a square")


# --- zips of photos ---------------------------------------------------------------------------------------------------


def test_members_of_a_zip_are_read_in_place_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"mine")
    link = zipfile.ZipInfo("photos/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    huge = zipfile.ZipInfo("photos/huge.jpg")
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photos/good.jpg", b"a photo")
        archive.writestr("photos/../../secret.jpg", b"outside")
        archive.writestr("/secret.jpg", b"outside")
        archive.writestr(link, "../secret.jpg")
        with archive.open(huge, "w") as member:
            for _ in range(257):
                member.write(bytes(2**20))
    source = PhotoZip(tmp_path / "data.zip")
    assert sorted(source.photos("photos")) == ["photos/good.jpg", "photos/huge.jpg", "photos/link.jpg"]
    assert source.read("photos/good.jpg") == b"a photo"
    assert source.read("photos/../../secret.jpg") == b"outside"  # the member's own bytes, not the file of that path
    with pytest.raises(UserError, match="is a symbolic link; links in a zip are not followed"):
        source.read("photos/link.jpg")
    with pytest.raises(UserError, match=r"huge\.jpg has more than 256 MiB: it is no photo"):
        source.read("photos/huge.jpg")
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.jpg")} == {"secret.jpg": b"mine"}


# --- found by the second attack ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1, "a": 2}', "a name stands twice"),
        ("1" + "0" * 30, "an integer in it is too large"),
        ("9" * 5000, "an integer in it is too large"),
        ("[-1e999]", "a number in it is too large"),
        ('["\\ud800"]', "half a character"),
        ('{"\\uDC00": 1}', "half a character"),
        ("[" * 65 + "]" * 65, "nested too deeply"),
        ('{"a": ' * 65 + "1" + "}" * 65, "nested too deeply"),
        ("[NaN]", "NaN is not JSON"),
    ],
)
def test_json_that_later_code_would_stumble_over_is_refused(text: str, sentence: str) -> None:
    for data in (text, text.encode()):
        with pytest.raises(ValueError, match=sentence):
            parse_json(data)


def test_json_that_records_have_is_read() -> None:
    found = {"a": [1, -(2**63), 2**64 - 1, 1.5, "\U0001f600 \\ud800"], "b": {"a": None}}
    assert parse_json(json.dumps(found)) == parse_json(json.dumps(found, ensure_ascii=False).encode()) == found
    assert parse_json("[" * 64 + "]" * 64)


def test_names_in_a_summary_are_no_formulas() -> None:
    cell = CellRecord.model_validate({
        "schema": 1, "protocol_hash": "p", "method": "=HYPERLINK(1)", "mode": "label", "attribute": "@SUM(1)", "n": 3,
        "measures": {"+1": {"value": 0.5, "low": -0.25}},
    })  # fmt: skip
    lines = summary_csv({"=HYPERLINK(1)": "-1"}, [cell]).splitlines()
    assert lines == [
        "method,mode,attribute,kind,n,'+1,'+1_low", "'=HYPERLINK(1),label,'@SUM(1),'-1,3,0.5,-0.25",
    ]  # fmt: skip


def test_a_zip_with_a_member_without_a_name_is_read(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("x")
    member.filename = ""
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("1.png", b"x")
        archive.writestr(member, b"y")
    photos = PhotoZip(tmp_path / "empty.zip")
    assert photos.folders() == {""}
    assert [*photos.photos()] == ["1.png"]


def test_a_pipe_or_a_huge_file_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    with (tmp_path / "huge.zip").open("wb") as file:
        file.truncate(2**40)
    for name in ("pipe.zip", "huge.zip"):
        with pytest.raises(UserError, match="is damaged or not an archive of records"), unzipped(tmp_path / name):
            pass
