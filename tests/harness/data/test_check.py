"""What `bridgebench data check` and `data prepare` say, on whole and on damaged data sets."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.commands.main import main
from bridgebench.harness.data.check import check, report_lines, version_of
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS


def checked(name: str, root: Path) -> tuple[bool, str]:
    report = check(name, root)
    return report.errors == 0, report_lines(report)


def cells(text: str, first: str) -> list[str]:
    """The cells of a table's row."""
    row = next(line for line in text.splitlines() if line.startswith(f"{first}  "))
    return re.split(" {2,}", row)[1:]


def test_a_whole_small_celeba(celeba_root: Path) -> None:
    whole, text = checked("celeba", celeba_root)
    assert whole and "Nothing is wrong." in text and "12 photos of 202,599" in text
    assert cells(text, "photos") == ["12", "202,599"]
    assert cells(text, "train") == ["5", "162,770"]
    assert cells(text, "test") == ["5", "19,962"]
    assert cells(text, "list_attr_celeba.txt MD5")[1] == "another"


def test_all_that_is_wrong_with_celeba_is_named(celeba_root: Path) -> None:
    folder = celeba_root / "celeba"
    photos = folder / "img_align_celeba"
    (photos / "000003.jpg").write_bytes((photos / "000003.jpg").read_bytes()[:900])
    (photos / "000004.jpg").unlink()
    shutil.copy(photos / "000001.jpg", photos / "000006.jpg")
    shutil.copy(photos / "000001.jpg", photos / "000099.jpg")
    labels = (folder / "list_attr_celeba.txt").read_text().splitlines()
    labels[8] = labels[8].replace("-1", "x", 1)  # line 9: photo 7
    labels[10] = labels[9]
    (folder / "list_attr_celeba.txt").write_text("\n".join(labels))
    with (folder / "list_eval_partition.txt").open("a") as file:
        file.write("000002.jpg\n")
    whole, text = checked("celeba", celeba_root)
    assert not whole and "5 things are wrong." in text
    for said in (
        "000003.jpg is a damaged image",
        "000004.jpg is missing; list_attr_celeba.txt lists it.",
        "list_attr_celeba.txt line 9 holds 'x', where only -1 and 1 may stand.",
        "list_attr_celeba.txt line 11 names 000008.jpg a second time (line 10 does so first).",
        "list_eval_partition.txt line 13 should be a file name and 0, 1 or 2.",
        "000001.jpg = 000006.jpg = 000099.jpg",
        "img_align_celeba/000099.jpg",
        "--skip-damaged",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    ):
        assert said in text


def test_what_is_not_there_is_told_with_where_to_get_it(celeba_root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, said in (("celeba", "fetch Img/img_align_celeba.zip"), ("afhq", "bash download.sh afhq-dataset")):
        whole, text = checked(name, tmp_path / "empty")
        assert not whole and "What is missing" in text and said in text
    (celeba_root / "celeba" / "list_eval_partition.txt").unlink()
    whole, text = checked("celeba", celeba_root)
    assert (
        whole and "list_eval_partition.txt" in text and "the split goes by file order in the published shares" in text
    )
    photos = celeba_root / "celeba" / "img_align_celeba"
    photos.rename(photos.with_name("photos"))
    (photos / "part1").mkdir(parents=True)
    photos.with_name("photos").rename(photos / "part1" / "photos")
    whole, text = checked("celeba", celeba_root)
    assert not whole and f"No photo (.jpg or .png) lies in {photos}, whose folder part1 is not looked into" in text


@pytest.fixture
def afhq_root(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0)
    for part in ("train", "val"):
        for domain in DOMAINS:
            folder = tmp_path / "afhq" / part / domain
            folder.mkdir(parents=True)
            for k in range(2):
                Image.fromarray(noise.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"flickr_{domain}_{k}.jpg")
    return tmp_path


def test_afhq_is_counted_and_its_version_told(afhq_root: Path) -> None:
    whole, text = checked("afhq", afhq_root)
    assert whole and "version 1 (all files are JPEG" in text
    assert cells(text, "train cat") == ["2", "5,153"] and cells(text, "together") == ["12", "16,130"]
    assert "12 photos of 32x32 pixels" in text and "12 photos of 16,130" in text
    photo = afhq_root / "afhq" / "val" / "dog" / "flickr_dog_0.jpg"
    photo.write_bytes(photo.read_bytes()[:600])
    whole, text = checked("afhq", afhq_root)
    assert not whole and "val/dog/flickr_dog_0.jpg is a damaged image" in text and "One thing is wrong." in text
    photo.unlink()
    (photo.parent / "flickr_dog_1.jpg").unlink()
    shutil.copytree(afhq_root / "afhq" / "val", afhq_root / "afhq" / "test")
    whole, text = checked("afhq", afhq_root)
    assert not whole and f"No photo (.jpg or .png) lies in {photo.parent}." in text and "Two folders of test" in text


AFHQ_V2 = [
    ("train", "cat", 5065),
    ("train", "dog", 4678),
    ("train", "wild", 4593),
    ("test", "cat", 493),
    ("test", "dog", 491),
    ("test", "wild", 483),
]


@pytest.mark.parametrize(
    ("names", "version"),
    [
        ([f"{part}/{domain}/{k}.jpg" for part, domain, n in AFHQ_V2 for k in range(n)], "2"),
        (["val/cat/a.jpg"], "1"),
        (["test/cat/a.png", "train/cat/b.PNG"], "2"),
        (["a/b/c.jpg", "a/b/d.png"], "unknown"),
    ],
)
def test_versions(names: list[str], version: str) -> None:
    assert version_of(names)[0] == version


def test_wrong_requests_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'celeba'"):
        check("celebA1", tmp_path)
    with pytest.raises(UserError, match="--data-root FOLDER"):
        check("afhq", None)
    with pytest.raises(UserError, match="There is no folder"):
        check("afhq", tmp_path / "none")


def test_exit_codes(celeba_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["data", "check", "celeba128"]
    assert main([*call, "--data-root", str(celeba_root)]) == 0
    (celeba_root / "celeba" / "img_align_celeba" / "000004.jpg").write_bytes(b"")
    assert main([*call, "--data-root", str(celeba_root)]) == 1
    assert "000004.jpg" in capsys.readouterr().out
    assert main(call) == 2
    assert "BRIDGEBENCH_DATA_ROOT" in capsys.readouterr().err
    assert main(["data", "check", "faces64"]) == 2
    assert "drawn by bridgebench" in capsys.readouterr().err


def test_the_old_spelling_and_the_environment(
    celeba_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBENCH_DATA_ROOT", str(celeba_root))
    assert main(["data", "check", "celeba", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["errors"] == 0 and {"what": "train", "found": "5", "published": "162,770"} in found["counts"]
    assert "`data check celeba` is now `data check PROFILE`" in captured.err


def test_prepare_goes_on_without_damaged_photos_when_told_to(
    celeba_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (celeba_root / "celeba" / "img_align_celeba" / "000004.jpg").write_bytes(b"")
    prepare = ["data", "prepare", "celeba128", "--data-root", str(celeba_root)]
    assert main(prepare) == 2
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert "5 photos prepared at 128 px: decoding " in said and "000004.jpg is not a PNG or JPEG image" in said
    assert main([*prepare, "--skip-damaged"]) == 0
    assert " test 4 1 128 px " in " ".join(capsys.readouterr().out.split())
