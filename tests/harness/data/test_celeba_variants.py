"""CelebA as people have it: zipped, as PNG, as CSV, in the publisher's folders; and damaged, with what is left out."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data import celeba
from bridgebench.harness.data.celeba import PUBLISHED_COUNT, Labels, implied_partition, load_celeba, read_labels
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14


def load(root: Path, split="test", **options):
    return load_celeba(root, split, CELEBA14, 32, **options)


def _zip(folder: Path) -> None:
    shutil.make_archive(str(folder / "img_align_celeba"), "zip", folder, "img_align_celeba")
    shutil.rmtree(folder / "img_align_celeba")


def _flat_zip(folder: Path) -> None:
    shutil.make_archive(str(folder / "img_align_celeba"), "zip", folder / "img_align_celeba")
    shutil.rmtree(folder / "img_align_celeba")


def _publishers_folders(folder: Path) -> None:
    for name, place in (
        ("img_align_celeba", "Img"),
        ("list_attr_celeba.txt", "Anno"),
        ("list_eval_partition.txt", "Eval"),
    ):
        (folder / place).mkdir()
        shutil.move(folder / name, folder / place / name)


def _kaggle(folder: Path) -> None:
    """A second folder of the same name, and CSV files."""
    (folder / "img_align_celeba").rename(folder / "inner")
    (folder / "img_align_celeba").mkdir()
    (folder / "inner").rename(folder / "img_align_celeba" / "img_align_celeba")
    for name, head in (("list_attr_celeba", None), ("list_eval_partition", "image_id partition")):
        lines = (folder / f"{name}.txt").read_text().splitlines()
        lines = [head or f"image_id {lines[1]}", *(lines if head else lines[2:])]
        (folder / f"{name}.csv").write_text("\r\n".join(",".join(line.split()) for line in lines) + "\r\n")
        (folder / f"{name}.txt").unlink()


@pytest.mark.parametrize("variant", [_zip, _flat_zip, _publishers_folders, _kaggle])
def test_a_variant_is_the_same_data(celeba_root: Path, variant: Callable[[Path], None]) -> None:
    published = load(celeba_root)
    variant(celeba_root / "celeba")
    assert load(celeba_root).digest == published.digest


def test_extra_spaces_and_line_ends_count_for_nothing(celeba_root: Path) -> None:
    path = celeba_root / "celeba" / "list_attr_celeba.txt"
    published = read_labels(path)
    head, names, *rows = path.read_text().splitlines()
    path.write_text("\ufeff" + "\r\n".join([f" {head} ", f"{names}  ", *(f"  {row}\t" for row in rows), "", " "]))
    spaced = read_labels(path)
    assert spaced.ids == published.ids and (spaced.values == published.values).all() and not spaced.problems


def test_png_files_stand_for_the_jpg_names_of_the_lists(celeba_root: Path) -> None:
    folder = celeba_root / "celeba" / "img_align_celeba"
    published = load(celeba_root)
    for path in folder.iterdir():
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    found = load(celeba_root)
    assert list(found.ids) == list(published.ids) and (found.images[:] == published.images[:]).all()


def test_the_implied_partition_goes_by_file_order() -> None:
    ids = [f"{k + 1:06d}.jpg" for k in range(PUBLISHED_COUNT)]
    labels = Labels(Path(), ids, range(PUBLISHED_COUNT), PUBLISHED_COUNT, [], None, [])
    codes = implied_partition(labels).codes
    found = [codes[f"{number:06d}.jpg"] for number in (1, 162_770, 162_771, 182_637, 182_638, 202_599)]
    assert found == [0, 0, 1, 1, 2, 2]


def test_without_its_list_a_part_keeps_its_split_and_other_photos_go_by_their_order(celeba_root: Path) -> None:
    def codes(names: list[str]) -> list[int]:
        labels = Labels(Path(), names, np.arange(len(names)), len(names), [], None, [])
        return [implied_partition(labels).codes[name] for name in names]

    assert codes(["000007.png", "162770.png", "162771.jpg", "182638.jpg"]) == [0, 0, 1, 2]
    assert codes([f"{k + 1:06d}.jpg" for k in range(20)]) == [0] * 16 + [1] * 2 + [2] * 2
    assert codes([f"photo {k}.jpg" for k in range(10)]) == [0] * 8 + [1] + [2]
    (celeba_root / "celeba" / "list_eval_partition.txt").unlink()
    splits = [load(celeba_root, split) for split in ("train", "validation", "test")]
    assert [len(split) for split in splits] == [9, 1, 2]  # of 12: published 80.3, 9.8 and 9.9 %
    assert {split.preparation["split"] for split in splits} == {"file order"}


def test_a_small_data_set_goes_by_its_list_whatever_the_rule(celeba_root: Path) -> None:
    assert load(celeba_root, rule="official-code").digest == load(celeba_root).digest
    assert load(celeba_root).preparation["split"] == "partition"


def test_what_is_damaged_is_left_out_and_recorded(celeba_root: Path) -> None:
    folder = celeba_root / "celeba"
    before = load(celeba_root)
    cut, gone, unlabelled = (folder / "img_align_celeba" / name for name in before.ids[:3])
    cut.write_bytes(cut.read_bytes()[:900])
    gone.unlink()
    lines = (folder / "list_attr_celeba.txt").read_text().replace(f"{unlabelled.name} ", f"{unlabelled.name} 5")
    (folder / "list_attr_celeba.txt").write_text(lines)
    with pytest.raises(UserError, match="line 9 holds 41 values"):
        load(celeba_root)
    after = load(celeba_root, skip_damaged=True)
    assert list(after.ids) == list(before.ids)[3:]
    assert (after.labels == before.labels[3:]).all() and (after.images[:] == before.images[3:]).all()
    names = "\n".join([cut.name, gone.name, unlabelled.name]).encode()
    assert after.preparation["left_out"] == {"n": 3, "sha256": hashlib.sha256(names).hexdigest()}
    assert "left_out" not in load(celeba_root, "train", skip_damaged=True).preparation
    assert len(load(celeba_root, skip_damaged=True, limit=1)) == 1


def test_nothing_but_damage_is_an_error(celeba_root: Path) -> None:
    for path in (celeba_root / "celeba" / "img_align_celeba").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="Every one of the 5 photos is damaged"):
        load(celeba_root, skip_damaged=True)


def test_a_link_that_leaves_is_refused(celeba_root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = celeba_root / "celeba"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    photo = folder / "img_align_celeba" / load(celeba_root).ids[0]
    shutil.move(photo, elsewhere / photo.name)
    photo.symlink_to(elsewhere / photo.name)
    with pytest.raises(UserError, match=rf"{photo.name} is a symbolic link that leaves"):
        load(celeba_root)
    photo.unlink()
    shutil.move(elsewhere / photo.name, photo)
    shutil.move(folder / "list_attr_celeba.txt", elsewhere)
    (folder / "list_attr_celeba.txt").symlink_to(elsewhere / "list_attr_celeba.txt")
    with pytest.raises(UserError, match=r"list_attr_celeba\.txt is a symbolic link that leaves"):
        load(celeba_root)


def test_an_exchanged_photo_is_decoded_again_and_no_other(celeba_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(celeba_root)
    photo = celeba_root / "celeba" / "img_align_celeba" / first.ids[0]
    Image.new("RGB", (178, 218), "red").save(photo)
    assert (load(celeba_root).images[0][5, 5] == (254, 0, 0)).all()
    monkeypatch.setattr("bridgebench.harness.data.cache.make_block", None)
    assert len(load(celeba_root)) == len(first)


def test_a_damaged_zip_is_named(celeba_root: Path) -> None:
    folder = celeba_root / "celeba"
    _zip(folder)
    archive = folder / "img_align_celeba.zip"
    content = bytearray(archive.read_bytes())
    content[content.index(b"000004.jpg") + 200] ^= 255
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"img_align_celeba\.zip:img_align_celeba/000004\.jpg is damaged"):
        load(celeba_root)
    archive.write_bytes(content[:-50])
    with pytest.raises(UserError, match="is no zip, or was cut short"):
        load(celeba_root)
    content[content.index(b"PK\x01\x02") + 6] = 157  # asks for version 15.7 of the format: found by the fuzzer
    archive.write_bytes(content)
    with pytest.raises(UserError, match="is no zip, or was cut short"):
        load(celeba_root)


KILLED = """
import os, sys
from pathlib import Path
from bridgebench.harness.data import cache
from bridgebench.harness.data.celeba import load_celeba
cache._LARGEST_BLOCK = 2
record = cache.ImageCache._record
def record_and_die(self, number, block):
    record(self, number, block)
    if number == 1:
        os.kill(os.getpid(), 9)
cache.ImageCache._record = record_and_die
load_celeba(Path(sys.argv[1]), "test", ["Smiling"], 32, cache_dir=Path(sys.argv[2]))
"""


def test_a_killed_preparation_goes_on_where_it_stopped(
    celeba_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, celeba_root, tmp_path / "cache"], check=False)
    assert done.returncode == -9
    monkeypatch.setattr("bridgebench.harness.data.cache._LARGEST_BLOCK", 2)
    made = []
    draw = celeba.prepared_photos.__globals__["prepare_photo"]
    monkeypatch.setattr(
        "bridgebench.harness.data.photo_cache.prepare_photo", lambda *job: made.append(job[2]) or draw(*job)
    )
    found = load_celeba(celeba_root, "test", ["Smiling"], 32, cache_dir=tmp_path / "cache")
    assert made == list(found.ids)[4:]
    undisturbed = load_celeba(celeba_root, "test", ["Smiling"], 32, cache_dir=tmp_path / "other")
    assert found.digest == undisturbed.digest
