"""CelebA in torchvision's layout: held against torchvision's own reader, on photos made here."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.celeba import PART, load_celeba
from bridgebench.harness.data.open import open_split
from bridgebench.harness.data.resize import Crop, Preparation
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14

COUNT = 12


@pytest.fixture
def root(celeba_root):
    return celeba_root


def _test_split(root, **options):
    return load_celeba(root, "test", CELEBA14, 32, **options)


@pytest.mark.parametrize(("split", "theirs"), [("train", "train"), ("validation", "valid"), ("test", "test")])
def test_labels_and_splits_equal_torchvisions(root, monkeypatch, split, theirs):
    from torchvision.datasets import CelebA

    folder = root / "celeba"
    ids = [f"{i + 1:06d}.jpg" for i in range(COUNT)]
    (folder / "identity_CelebA.txt").write_text("".join(f"{name} 1\n" for name in ids))
    for name in ("list_bbox_celeba.txt", "list_landmarks_align_celeba.txt"):
        (folder / name).write_text("\n".join([str(COUNT), "x y", *(f"{i} 1 2" for i in ids), ""]))
    monkeypatch.setattr(CelebA, "_check_integrity", lambda self: True)  # it knows the real files' hashes
    truth = CelebA(root, split=theirs, target_type="attr")
    columns = [truth.attr_names.index(name) for name in CELEBA14]

    ours = load_celeba(root, split, CELEBA14, 32)
    assert list(ours.ids) == list(truth.filename)
    np.testing.assert_array_equal(ours.labels, truth.attr[:, columns].numpy())
    pixels = np.stack([np.asarray(image)[0, 0] for image, _ in truth])
    np.testing.assert_allclose(ours.images[:][:, 5, 9].astype(int), pixels, atol=1)


def test_images_are_indexed_as_an_array(root):
    photo = root / "celeba" / "img_align_celeba" / _test_split(root).ids[2]
    photo.write_bytes(photo.read_bytes()[:900])
    _check_indexing(load_celeba(root, "train", CELEBA14, 32).images)
    _check_indexing(_test_split(root, skip_damaged=True).images, 4)


def _check_indexing(images, count=5):
    assert images.shape == (count, 32, 32, 3) and len(images) == count
    everything = np.asarray(images)
    assert everything.dtype == np.uint8
    for index in (
        slice(1, 4),
        np.array([3, 0, 0]),
        [2, 1],
        np.array([True, False, True, False, False][:count]),
        -1,
        3,
        slice(0),
    ):
        np.testing.assert_array_equal(images[index], everything[index])
    with pytest.raises(IndexError):
        images[count]


def test_either_the_folder_or_its_parent_is_given(root):
    assert _test_split(root / "celeba").digest == _test_split(root).digest


def test_the_digest_names_what_decides_the_images(root):
    first = _test_split(root)
    stargan = Preparation(Crop(top=20, left=0, size=178), "antialiased", 32)
    others = [
        _test_split(root, preparation=stargan),
        _test_split(root, count=3),
        load_celeba(root, "test", CELEBA14, 64),
        load_celeba(root, "train", CELEBA14, 32),
    ]
    photo = root / "celeba" / "img_align_celeba" / first.ids[0]
    Image.new("RGB", (178, 218), "red").save(photo)
    others.append(_test_split(root))
    assert len({first.digest, *(other.digest for other in others)}) == 6


def test_the_official_codes_split_goes_by_file_order(tmp_path):
    (tmp_path / "img_align_celeba").mkdir()
    total = 202_599
    names = [f"{i + 1:06d}.jpg" for i in range(total)]
    rows = "\n".join(f"{name} -1" for name in names)
    (tmp_path / "list_attr_celeba.txt").write_text(f"{total}\nSmiling\n{rows}\n")
    Image.new("RGB", (178, 218)).save(tmp_path / "img_align_celeba" / "182638.jpg")
    first_test_photo = load_celeba(tmp_path, "test", ["Smiling"], 32, limit=1, rule="official-code")
    assert list(first_test_photo.ids) == ["182638.jpg"]
    with pytest.raises(UserError, match="holds 637 photos; 638 are asked for"):
        load_celeba(tmp_path, "validation", ["Smiling"], 32, count=638, rule="official-code")


def test_the_shipped_part_is_the_same_in_the_whole_data_set_and_in_itself(tmp_path):
    lines = [line.split() for line in PART.read_text().splitlines()]
    counts = [sum(code == split for _, code in lines) for split in "012"]
    assert (len({name for name, _ in lines}), counts) == (31_135, [24_220, 1_592, 5_323])
    (tmp_path / "img_align_celeba").mkdir()
    first = next(name for name, code in lines if code == "1")
    Image.new("RGB", (178, 218)).save(tmp_path / "img_align_celeba" / first)

    def found(names: list[str]) -> ImageSet:
        rows = "\n".join(f"{name} -1" for name in names)
        (tmp_path / "list_attr_celeba.txt").write_text(f"{len(names)}\nSmiling\n{rows}\n")
        return load_celeba(tmp_path, "validation", ["Smiling"], 32, limit=1, rule="part")

    whole, part = found([f"{i + 1:06d}.jpg" for i in range(202_599)]), found(sorted(name for name, _ in lines))
    assert list(whole.ids) == list(part.ids) == [first]
    assert whole.digest == part.digest and whole.preparation == part.preparation
    assert whole.preparation["split"] == "part"
    with pytest.raises(UserError, match=r"lack 1 of the 31,135 photos of the part .*, first"):
        found(sorted(name for name, _ in lines)[1:])


def test_a_damaged_or_missing_photo_is_named(root):
    photos = root / "celeba" / "img_align_celeba"
    photo = photos / _test_split(root).ids[1]
    whole = photo.read_bytes()
    for content, reason in ((b"no photo", "is not a PNG or JPEG"), (whole[:900], "is a damaged image")):
        photo.write_bytes(content)
        with pytest.raises(UserError, match=rf"{photo.name} {reason}.*--skip-damaged"):
            _test_split(root)
    Image.new("RGB", (64, 64)).save(photo)
    with pytest.raises(UserError, match=rf"{photo.name} has 64x64 pixels, where 178x218 are expected"):
        _test_split(root)
    photo.unlink()
    with pytest.raises(UserError, match=rf"{photo.name} is missing"):
        _test_split(root)
    photo.write_bytes(whole)
    assert len(_test_split(root)) == 5


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("list_attr_celeba.txt", lambda text: text.replace("-1", "0", 1), r"line \d+ holds '0', where only -1 and 1"),
        ("list_attr_celeba.txt", lambda text: text[: len(text) // 2], "there are 12 photos, but 5 lines follow"),
        ("list_attr_celeba.txt", lambda text: text.replace("000002", "000001"), r"line 4 names 000001\.jpg a second"),
        (
            "list_attr_celeba.txt",
            lambda text: text.replace("000002.jpg", "../x.jpg"),
            "line 4 should begin with a file",
        ),
        (
            "list_attr_celeba.txt",
            lambda text: text.replace("000002.jpg", "000002.jpg 1"),
            "line 4 holds 41 values",
        ),
        ("list_attr_celeba.txt", lambda text: "", "is damaged"),
        (
            "list_attr_celeba.txt",
            lambda text: text.replace("Smiling", "Smile"),
            "no attribute 'Smiling'. Did you mean 'Smile'",
        ),
        (
            "list_eval_partition.txt",
            lambda text: text.replace(" 1", " 7"),
            "line 3 should be a file name",
        ),
        ("list_eval_partition.txt", lambda text: text.replace("000002.jpg 0\n", ""), "gives no split .* for 000002"),
        ("list_eval_partition.txt", lambda text: text + "000002.jpg 0\n", r"line 13 names 000002\.jpg a second time"),
        ("list_attr_celeba.txt", None, "mmlab.ie.cuhk.edu.hk/projects/CelebA.html"),
    ],
)
def test_damaged_lists_are_told(root, file, change, sentence):
    path = root / "celeba" / file
    if change is None:
        path.unlink()
    else:
        path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=sentence):
        _test_split(root)


@pytest.mark.parametrize("where", [None, "nowhere"])
def test_a_missing_data_set_says_where_it_is_published(tmp_path, where):
    with pytest.raises(UserError, match=r"img_align_celeba/.*https://mmlab\.ie\.cuhk\.edu\.hk/projects/CelebA\.html"):
        _test_split(where and tmp_path / where)


def _profile(name, **data):
    profile = load_profile(name)
    return profile.model_copy(update={"data": profile.data.model_copy(update=data)})


def test_a_profile_opens_it(root):
    profile = _profile("celeba128", split="partition")
    opened = open_split(profile, "test", data_root=root, limit=2)
    assert opened.images.shape == (2, 128, 128, 3)
    assert opened.attributes == profile.attributes
    assert opened.name == "celeba"
    assert len(open_split(profile, "test", data_root=root, limit=1000)) == 5
    with pytest.raises(UserError, match="holds 5 photos; 6 are asked for"):
        open_split(_profile("celeba128", split="partition", test=6), "test", data_root=root, limit=2)


def test_a_profile_opens_drawn_faces(tmp_path, monkeypatch):
    monkeypatch.setenv("BRIDGEBENCH_CACHE", str(tmp_path))
    faces = open_split(_profile("smoke", test=5), "test", limit=3)
    assert faces.has_truth
    assert faces.images.shape == (3, 32, 32, 3)
    other = load_profile("smoke").model_copy(update={"attributes": ("Smiling", "Wearing_Hat")})
    with pytest.raises(UserError, match="no attribute 'Wearing_Hat' among Young, "):
        open_split(other, "test")


def test_reading_it_imports_no_torch():
    code = "import sys, bridgebench.harness.data.open; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
