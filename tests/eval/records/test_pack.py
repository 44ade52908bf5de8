"""Records that are sent to others: what goes into an archive, and what of a stranger's archive is taken."""

from __future__ import annotations

import io
import json
import lzma
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_run import write_run

from bridgebench.eval.records.archive import opened, zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.manifest import manifest_of, write_manifest
from bridgebench.eval.records.run import RunRecord
from bridgebench.harness.commands.main import main
from bridgebench.methods.core.errors import UserError

CELL = "cells/stargan/label/Male.json"


def write(folder: Path, passed_on: bool | None) -> Path:
    run = write_run(folder)
    record = RunRecord.read(run / "run.json")
    if passed_on is not None:
        data = record.data.model_copy(update={"photos_stay": not passed_on})
        record.model_copy(update={"data": data}).write(run / "run.json")
    (run / "cells/stargan/label/Young.error.txt").write_text("Traceback: /home/me/secret.py")
    (run / "report").mkdir()
    (run / "report/index.html").write_text("a page")
    write_manifest(RunDirectory(run))
    return run


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_comes_out_as_it_went_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, packed, out = write(tmp_path / "run", True), tmp_path / "a.zip", tmp_path / "out"
    assert main(["records", "pack", str(run), "--out", str(packed)]) == 0
    assert main(["records", "unpack", str(packed), "--out", str(out)]) == 0
    before, after = files(run), files(out)
    assert {name for name in before.keys() - after.keys() if not name.startswith("report")} == {
        "cells/stargan/label/Young.error.txt"  # it may tell of the machine
    }
    assert after.keys() - before.keys() == {"bridgebench.json"}
    assert all(after[name] == before[name] for name in after.keys() & before.keys() - {"manifest.json"})
    assert any(name.endswith(".png") for name in after)
    assert main(["records", "verify", str(out)]) == 0
    assert main(["records", "pack", str(out), "--out", str(tmp_path / "again.zip")]) == 0
    assert members(tmp_path / "again.zip") == members(packed)
    capsys.readouterr()
    for arguments in (["pack", str(run), "--out", str(packed)], ["unpack", str(packed), "--out", str(out)]):
        assert main(["records", *arguments]) == 2
        assert "exists already" in capsys.readouterr().err


def test_no_image_of_data_that_must_not_be_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, packed = write(tmp_path / "run", False), tmp_path / "a.zip"
    assert main(["records", "pack", str(run), "--out", str(packed)]) == 0
    assert "must not be passed on: the archive has none" in capsys.readouterr().out
    found = members(packed)
    assert {name.partition("/")[0] for name in found} == {
        "run.json", "baselines.json", "manifest.json", "cells", "cost"
    }  # fmt: skip
    assert not [name for name, data in found.items() if data.startswith(b"\x89PNG")]


def test_some_methods_alone_and_who_made_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, packed = write(tmp_path / "run", True), tmp_path / "a.zip"
    options = ["--methods", "stargan,copy", "--by", "Lab Nine", "--no-images"]
    assert main(["records", "pack", str(run), "--out", str(packed), *options]) == 0
    found = members(packed)
    assert {name.split("/")[1] for name in found if name.startswith("cells/")} == {"stargan", "copy"}
    record = json.loads(found["run.json"])
    assert record["methods"].keys() == {"stargan", "copy"} and record["by"] == "Lab Nine"
    with opened(packed) as folder:
        assert RunRecord.read(folder / "run.json").id == RunRecord.read(run / "run.json").id
    other = str(tmp_path / "b.zip")
    assert main(["records", "pack", str(run), "--out", other, "--methods", "stargun"]) == 2
    assert "no method 'stargun'. Did you mean 'stargan'?" in capsys.readouterr().err
    assert main(["records", "pack", str(run), "--out", other, "--by", "a\nb"]) == 2
    (run / CELL).write_text("{}")
    assert main(["records", "pack", str(run), "--out", other]) == 2
    assert f"{CELL} is damaged" in capsys.readouterr().err
    assert not Path(other).exists()


# --- what strangers send ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return zipped(RunDirectory(write(tmp_path_factory.mktemp("made") / "run", True)), images=True)


@pytest.fixture
def packed(tmp_path: Path, archive: bytes) -> Path:
    path = tmp_path / "a.zip"
    path.write_bytes(archive)
    return path


def with_members(
    path: Path, change: Callable[[dict[str, bytes]], object], compression: int = zipfile.ZIP_STORED
) -> None:
    """Writes an archive anew with other members; its manifest fits them, as that of a stranger who takes care."""
    found = members(path)
    change(found)
    found.pop("manifest.json", None)
    folder = path.parent / "members"
    for name, data in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    found["manifest.json"] = manifest_of(folder, [folder / name for name in found]).to_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in found.items():
            archive.writestr(name, data)


STRANGE = {
    "a page with a script": "report/index.html",
    "a program": "run.exe",
    "a cell of no method": "cells/nobody/label/Male.json",
    "a cell of no attribute": "cells/stargan/label/Nothing.json",
    "a cache": "cache/test-0.npy",
    "a mark of its own": "bridgebench.json",
    "records that were put aside": "aside/2026/run.json",
    "the name in other letters": "cells/StarGAN/label/Male.json",
}


@pytest.mark.parametrize("name", STRANGE.values(), ids=STRANGE)
def test_files_that_no_run_has_are_not_unpacked(
    tmp_path: Path, packed: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with_members(packed, lambda found: found.update({name: found[CELL]}))
    assert main(["records", "unpack", str(packed), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "has a file that no run has" in told or "is in it twice" in told
    assert not (tmp_path / "out").exists()


def test_an_archive_that_was_changed_is_not_unpacked(
    tmp_path: Path, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(packed.read_bytes())
    place = data.index(b"PK\x03\x04", len(data) // 2) + 60
    data[place] ^= 255
    (tmp_path / "flipped.zip").write_bytes(data)
    (tmp_path / "cut.zip").write_bytes(packed.read_bytes()[:-1000])
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "folder.zip").mkdir()
    for name in ("flipped", "cut", "pipe", "folder", "nowhere"):
        assert main(["records", "unpack", str(tmp_path / f"{name}.zip"), "--out", str(tmp_path / "out")]) == 2
        assert f"{name}.zip" in capsys.readouterr().err
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(tmp_path / "number.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"0.", b"1.", 1) if name == CELL else old.read(name))
    assert main(["records", "unpack", str(tmp_path / "number.zip"), "--out", str(tmp_path / "out")]) == 2
    assert f"was changed after it was made (changed {CELL})" in capsys.readouterr().err
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(tmp_path / "no-run.zip", "w") as new:
        new.writestr("baselines.json", old.read("baselines.json"))
    assert main(["records", "unpack", str(tmp_path / "no-run.zip"), "--out", str(tmp_path / "out")]) == 2
    assert "it has no run.json" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "out"))]
    with_members(packed, lambda found: found.update({CELL: found[CELL]}))
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(tmp_path / "old.zip", "w") as new:
        for name in old.namelist():
            if name != "manifest.json":
                new.writestr(name, old.read(name))
    assert main(["records", "unpack", str(tmp_path / "old.zip"), "--out", str(tmp_path / "out")]) == 0
    assert "has no manifest" in capsys.readouterr().err


def test_bombs_are_refused_before_they_fill_memory_or_disk(tmp_path: Path, packed: Path) -> None:
    def refused(why: str, path: Path) -> None:
        with pytest.raises(UserError, match=why), opened(path):
            raise AssertionError("it was read")

    # lzma's dictionary may be gigabytes, whatever the member's size is said to be.
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("run.json", lzma.compress(b"{}"))
    refused("packed in a way", tmp_path / "lzma.zip")
    # A list of millions of members, which zipfile reads as a whole.
    data = bytearray(packed.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (2**25).to_bytes(4, "little")
    (tmp_path / "list.zip").write_bytes(data)
    refused("more members", tmp_path / "list.zip")
    with_zip64 = packed.read_bytes()[:end] + b"PK\x06\x07" + bytes(16) + packed.read_bytes()[end:]
    (tmp_path / "zip64.zip").write_bytes(with_zip64)
    refused("larger files", tmp_path / "zip64.zip")
    # Many members that are one and the same place in the file would unpack to far more than the archive has.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"cells/a/label/{number}.json", bytes(60 * 2**20))
    (tmp_path / "bomb.zip").write_bytes(buffer.getvalue())
    assert len(buffer.getvalue()) < 2**20
    refused("unpack to more", tmp_path / "bomb.zip")


def test_links_in_an_archive_and_to_an_archive(tmp_path: Path, packed: Path) -> None:
    member = zipfile.ZipInfo("samples/source.png")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match=r"no plain file|in it twice"), opened(packed):
        raise AssertionError("it was read")


def test_pages_and_comparisons_are_made_of_an_archive(tmp_path: Path, packed: Path) -> None:
    assert main(["report", str(packed), "--single-file"]) == 0
    page = packed.with_name("a.html").read_text()
    assert "StarGAN" in page and "data:image/" in page
    assert not list(tmp_path.glob("*-report"))
    assert main(["report", str(packed)]) == 0
    assert (tmp_path / "a-report/index.html").is_file()
    assert main(["records", "unpack", str(packed), "--out", str(tmp_path / "run")]) == 0
    assert main(["report", "--diff", str(packed), str(tmp_path / "run")]) == 0
    assert (tmp_path / "a-diff/index.html").is_file()
