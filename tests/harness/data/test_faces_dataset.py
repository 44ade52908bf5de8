"""The data set of drawn faces: splits, true edits, and a cache that heals itself."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bridgebench.harness.data import cache
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.faces.dataset import SEEDS, load_faces
from bridgebench.harness.data.faces.identity import sample_identity
from bridgebench.harness.data.faces.render import render
from bridgebench.harness.data.preview import preview_sheet
from bridgebench.harness.processes import user_cache
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, Attributes


def load(folder: Path, split: str = "test", count: int = 6, **options: bool) -> ImageSet:
    return load_faces(split, count, 32, cache_dir=folder, **options)


def test_images_are_the_drawn_faces(tmp_path: Path) -> None:
    faces = load(tmp_path)
    assert faces.images.shape == (6, 32, 32, 3) and faces.images.dtype == np.uint8
    assert faces.labels.shape == (6, 14) and faces.attributes == CELEBA14 and len(set(faces.ids)) == 6
    drawn = render(faces.labels[3], sample_identity(SEEDS["test"][3]), 32)
    assert (faces.images[3] == drawn).all()
    assert (faces.images[np.array([3, 0])][0] == drawn).all()


def test_split_seeds_are_disjoint_and_faces_differ(tmp_path: Path) -> None:
    for one, other in combinations(SEEDS.values(), 2):
        assert not range(max(one.start, other.start), min(one.stop, other.stop))
    assert len({load(tmp_path, split).images.tobytes() for split in SEEDS}) == 3


def test_a_larger_count_starts_with_the_smaller_set(tmp_path: Path) -> None:
    small, large = load(tmp_path), load(tmp_path, count=9)
    assert (large.images[:6] == small.images).all() and (large.labels[:6] == small.labels).all()
    assert small.digest != large.digest


def test_balance_changes_labels_and_keeps_identities(tmp_path: Path) -> None:
    natural, balanced = load(tmp_path), load(tmp_path, balance=True)
    assert natural.digest != balanced.digest
    edits = natural.true_edit(range(6), balanced.labels)
    assert (edits == balanced.images).all()


def test_true_edits(tmp_path: Path) -> None:
    faces = load(tmp_path)
    assert faces.has_truth
    assert (faces.true_edit([1, 4], faces.labels[[1, 4]]) == faces.images[[1, 4]]).all()
    target = np.stack([Attributes(CELEBA14).target(row, "Gray_Hair") for row in faces.labels[:3]])
    plain = faces.true_edit([0, 1, 2], target)
    styled = faces.true_edit([0, 1, 2], target, [[("Gray_Hair", k)] for k in (3, 4, 5)])
    own = faces.true_edit([0, 1, 2], target, [[("Gray_Hair", k)] for k in (0, 1, 2)])
    assert (own == plain).all() and (styled != plain).any()
    who = sample_identity(SEEDS["test"][0]).with_style("Gray_Hair", sample_identity(SEEDS["test"][3]))
    assert (styled[0] == render(target[0], who, 32)).all()


def test_photos_have_no_true_edits(tmp_path: Path) -> None:
    faces = load(tmp_path)
    photos = ImageSet(faces.images, faces.labels, faces.ids, faces.attributes, 32, "celeba", "0")
    assert not photos.has_truth
    with pytest.raises(UserError, match="no true edits"):
        photos.true_edit([0], faces.labels[:1])


@pytest.mark.parametrize("damage", ["cut", "altered", "empty", "no record", "bad record"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, damage: str) -> None:
    before = load(tmp_path)
    kept, digest = np.array(before.images), before.digest
    del before
    (images,), (record,) = tmp_path.glob("*/images.npy"), tmp_path.glob("*/blocks.jsonl")
    content = images.read_bytes()
    if damage == "cut":
        images.write_bytes(content[:-100])
    elif damage == "altered":
        images.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "empty":
        images.write_bytes(b"")
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text("{")
    after = load(tmp_path)
    assert (after.images == kept).all() and after.digest == digest
    assert sorted(path.name for path in images.parent.iterdir()) == ["blocks.jsonl", "images.npy"]


def test_a_second_load_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path)
    monkeypatch.setattr(cache, "make_block", None)
    assert load(tmp_path).digest == first.digest


def test_many_are_drawn_by_several_processes_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = load(tmp_path / "one", count=8)
    monkeypatch.setattr(cache, "_WORTH_A_POOL", 4)
    monkeypatch.setattr(cache, "_LARGEST_BLOCK", 3)
    together = load(tmp_path / "two", count=8)
    assert together.digest == alone.digest


def test_the_cache_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEBENCH_CACHE", str(tmp_path / "here"))
    load_faces("train", 2, 32)
    assert len(list((tmp_path / "here").glob("faces-*"))) == 1


def test_a_cache_of_before_is_kept_and_a_new_one_lies_where_the_system_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRIDGEBENCH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_cache.default_cache_dir() == tmp_path / ".cache" / "bridgebench"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache.default_cache_dir() == tmp_path / "xdg" / "bridgebench"
    (tmp_path / ".cache" / "bridgebench").mkdir(parents=True)
    assert user_cache.default_cache_dir() == tmp_path / ".cache" / "bridgebench"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="BRIDGEBENCH_CACHE"):
        load(tmp_path / "file")


def test_wrong_requests_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'train'"):
        load(tmp_path, "trian")
    with pytest.raises(UserError, match="not 0"):
        load(tmp_path, count=0)
    with pytest.raises(UserError, match="16 to 1024"):
        load_faces("test", 1, 8, cache_dir=tmp_path)


def test_the_preview_has_samples_and_flips(tmp_path: Path) -> None:
    faces = load(tmp_path)
    photos = ImageSet(faces.images, faces.labels, faces.ids, faces.attributes, 32, "celeba", "0")
    with_flips, without = preview_sheet(faces, 2), preview_sheet(photos, 2)
    assert with_flips.width > 7 * without.width and with_flips.height > 2 * without.height


def test_a_split_with_other_seeds_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(tmp_path, "test").images.tobytes()
    monkeypatch.setitem(SEEDS, "test", range(50_000_000, 60_000_000))
    assert load(tmp_path, "test").images.tobytes() != before


def test_what_a_face_wears_can_be_an_attribute(tmp_path: Path) -> None:
    plain = load(tmp_path, "train", 60, balance=True)
    worn = load(tmp_path, "train", 60, balance=True, attributes=("Earrings", "Eyeglasses", "Young"))
    assert (
        worn.labels.shape == (60, 3)
        and (worn.labels.mean(axis=0) > 0.3).all()
        and (worn.labels.mean(axis=0) < 0.75).all()
    )
    assert (worn.labels[:, 2] == plain.labels[:, plain.attributes.index("Young")]).all()
    # By CelebA's frequencies they are what they were before they had names: the pictures are the same.
    natural, named = load(tmp_path, "test", 60), load(tmp_path, "test", 60, attributes=("Eyeglasses", "Bangs"))
    assert (np.asarray(natural.images[:]) == named.images[:]).all() and natural.digest != named.digest
    assert 0 < named.labels[:, 0].mean() < 0.3


def test_true_edits_of_what_a_face_wears_change_its_place_alone(tmp_path: Path) -> None:
    faces = load(tmp_path, "train", 12, balance=True, attributes=("Eyeglasses", "Earrings"))
    same = faces.true_edit(range(12), faces.labels)
    assert (same == np.asarray(faces.images[:])).all()
    for column in range(2):
        flipped = faces.labels.copy()
        flipped[:, column] ^= 1
        changed = (faces.true_edit(range(12), flipped) != same).any(axis=3)
        rows = np.flatnonzero(changed.any(axis=(0, 2)))
        assert changed.any(axis=(1, 2)).all() and changed.mean() < 0.25
        assert rows.min() > 8 and rows.max() < 28  # neither hair nor clothes, of 32 rows
    # A reference gives its glasses: the kind is the style of the attribute.
    kinds = [faces.identity(k).glasses_kind for k in range(12)]
    other = next(k for k in range(12) if kinds[k] != kinds[0])
    on = np.ones((1, 2), np.uint8)
    assert (faces.true_edit([0], on, [[("Eyeglasses", other)]]) != faces.true_edit([0], on)).any()


def test_an_attribute_that_is_a_column_turns_off_what_is_none_and_contradicts_it(tmp_path: Path) -> None:
    whole = load(tmp_path, "test", 200)
    index = int(np.flatnonzero(whole.labels[:, whole.attributes.index("Receding_Hairline")])[0])
    bangs = load(tmp_path, "test", 200, attributes=("Bangs",))
    target = whole.space.target(whole.labels[[index]], "Bangs")
    assert (bangs.true_edit([index], [[1]]) == whole.true_edit([index], target)).all()
