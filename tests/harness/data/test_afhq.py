"""AFHQ's layout: splits, order, labels and pixels, from a folder and from a zip, held against Pillow alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.afhq import load_afhq
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS

COUNTS = {"train": {"cat": 102, "dog": 3, "wild": 1}, "val": {"cat": 2, "dog": 3, "wild": 1}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small AFHQ of noise; photos are not square, so that a wrong resize shows."""
    folder = tmp_path_factory.mktemp("data") / "afhq"
    noise = np.random.default_rng(0)
    for part, counts in COUNTS.items():
        for domain, count in counts.items():
            (folder / part / domain).mkdir(parents=True)
            for k in range(count):
                image = Image.fromarray(noise.integers(0, 256, (40, 48, 3), dtype=np.uint8))
                image.save(folder / part / domain / f"flickr_{domain}_{k:06d}.{'png' if k % 2 else 'jpg'}")
    return folder


def load(root: Path, split: str, size: int = 32, **options):
    return load_afhq(root, split, size, **options)


def test_test_photos_are_those_of_val_in_turn(root: Path) -> None:
    found = load(root, "test")
    assert [name.split("/")[1] for name in found.ids] == ["cat", "dog", "wild", "cat", "dog", "dog"]
    assert found.ids[0] == "val/cat/flickr_cat_000000.jpg" and found.ids[3] == "val/cat/flickr_cat_000001.png"
    assert found.attributes == DOMAINS
    assert found.labels.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert found.preparation == {"crop": None, "filter": "antialiased", "size": 32}


def test_pixels_are_pillows_bilinear_resize_of_the_whole_photo(root: Path) -> None:
    found = load(root, "test")
    for name, image in zip(found.ids, found.images, strict=True):
        photo = Image.open(root / name).convert("RGB")
        np.testing.assert_array_equal(image, np.asarray(photo.resize((32, 32), Image.Resampling.BILINEAR)))


def test_validation_is_the_tail_of_train(root: Path) -> None:
    train, validation = load(root, "train"), load(root, "validation")
    assert sorted(validation.ids) == [
        "train/cat/flickr_cat_000100.jpg",
        "train/cat/flickr_cat_000101.png",
        "train/dog/flickr_dog_000002.jpg",
    ]
    assert len(train) == 103 and not set(train.ids) & set(validation.ids)
    assert train.labels.sum(axis=0).tolist() == [100, 2, 1]


def test_count_and_limit_take_the_first(root: Path) -> None:
    assert list(load(root, "test", count=4).ids) == list(load(root, "test").ids)[:4]
    assert load(root, "test", count=5, limit=2).images.shape == (2, 32, 32, 3)
    with pytest.raises(UserError, match="holds 6 photos; 7 are asked for"):
        load(root, "test", count=7, limit=2)


@pytest.mark.parametrize("folder", ["", "afhq", "deep/afhq"])
def test_a_zip_is_read_in_place(root: Path, tmp_path: Path, folder: str) -> None:
    packed = tmp_path / "packed" / folder
    shutil.copytree(root, packed, dirs_exist_ok=True)
    (tmp_path / "data").mkdir()
    shutil.make_archive(str(tmp_path / "data" / "afhq"), "zip", tmp_path / "packed")
    zipped, there = load(tmp_path / "data", "test"), load(root, "test")
    assert list(zipped.ids) == list(there.ids) and zipped.digest == there.digest
    assert load(tmp_path / "data" / "afhq.zip", "test").digest == there.digest
    assert not [path for path in (tmp_path / "data").iterdir() if path.name != "afhq.zip"]


def test_version_2_calls_its_test_folder_test(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "afhq_v2")
    (tmp_path / "afhq_v2" / "val").rename(tmp_path / "afhq_v2" / "test")
    assert load(tmp_path, "test").ids[0] == "test/cat/flickr_cat_000000.jpg"


def test_the_digest_is_of_the_content(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "other")
    assert load(tmp_path / "other", "test").digest == load(root, "test").digest
    Image.new("RGB", (40, 48)).save(tmp_path / "other" / "val" / "cat" / "flickr_cat_000000.jpg")
    assert load(tmp_path / "other", "test").digest != load(root, "test").digest


def test_a_missing_data_set_says_where_it_is_published(tmp_path: Path) -> None:
    for where in (None, tmp_path):
        with pytest.raises(UserError, match=r"train/ and val/.*https://github\.com/clovaai/stargan-v2"):
            load_afhq(where, "test", 32)
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(UserError, match="the test split of AFHQ needs photos of every domain"):
        load(tmp_path, "test")


def test_a_domain_without_photos_is_named(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "train" / "dog")
    with pytest.raises(UserError, match=r"No photo .* lies in .*train/dog: the train split of AFHQ needs photos of"):
        load_afhq(tmp_path / "data", "train", 32)


def test_a_link_that_leaves_is_refused(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "afhq")
    photo = tmp_path / "afhq" / "val" / "dog" / "flickr_dog_000001.png"
    photo.unlink()
    photo.symlink_to(root / "val" / "dog" / photo.name)
    with pytest.raises(UserError, match=r"flickr_dog_000001\.png is a symbolic link that leaves"):
        load(tmp_path, "test")
    shutil.rmtree(tmp_path / "afhq" / "val")
    (tmp_path / "afhq" / "val").symlink_to(root / "val")
    with pytest.raises(UserError, match="symbolic link that leaves"):
        load(tmp_path, "test")


def test_a_profile_opens_it(root: Path) -> None:
    opened = open_split(load_profile("afhq256"), "test", data_root=root, limit=2)
    assert opened.images.shape == (2, 256, 256, 3) and opened.attributes == DOMAINS
