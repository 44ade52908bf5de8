"""The data set of drawn animals: splits, one-hot domains in turn, and true conversions with and without references."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bridgebench.harness.data import cache
from bridgebench.harness.data.animals.dataset import load_animals
from bridgebench.harness.data.animals.identity import sample_identity
from bridgebench.harness.data.animals.render import render
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.drawn.dataset import SEEDS
from bridgebench.harness.data.open import open_split
from bridgebench.harness.data.preview import preview_sheet
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS


def load(folder: Path, split: str = "test", count: int = 7, size: int = 32) -> ImageSet:
    return load_animals(split, count, size, cache_dir=folder)


def one_hot(*domains: int) -> np.ndarray:
    return np.eye(3, dtype=np.uint8)[list(domains)]


def test_images_are_the_drawn_animals_in_turn(tmp_path: Path) -> None:
    animals = load(tmp_path)
    assert animals.images.shape == (7, 32, 32, 3) and animals.images.dtype == np.uint8
    assert (animals.labels == one_hot(0, 1, 2, 0, 1, 2, 0)).all() and animals.labels.dtype == np.uint8
    assert animals.attributes == DOMAINS and len(set(animals.ids)) == 7
    for k in range(7):
        assert (animals.images[k] == render(DOMAINS[k % 3], sample_identity(SEEDS["test"][k]), 32)).all()


@pytest.mark.parametrize("split", SEEDS)
def test_every_split_begins_with_a_cat(tmp_path: Path, split: str) -> None:
    animals = load(tmp_path, split, 3)
    assert (animals.true_edit([0, 1, 2], one_hot(0, 1, 2)) == animals.images).all()


def test_splits_differ_and_do_not_overlap(tmp_path: Path) -> None:
    for one, other in combinations(SEEDS.values(), 2):
        assert not range(max(one.start, other.start), min(one.stop, other.stop))
    assert len({load(tmp_path, split).images.tobytes() for split in SEEDS}) == 3


def test_a_larger_count_starts_with_the_smaller_set(tmp_path: Path) -> None:
    small, large = load(tmp_path), load(tmp_path, count=10)
    assert (large.images[:7] == small.images).all() and small.digest != large.digest


def test_a_conversion_by_label_is_the_same_identity_in_the_other_domain(tmp_path: Path) -> None:
    animals = load(tmp_path)
    edits = animals.true_edit([0, 4], one_hot(2, 0))
    assert (edits[0] == render("wild", sample_identity(SEEDS["test"][0]), 32)).all()
    assert (edits[1] == render("cat", sample_identity(SEEDS["test"][4]), 32)).all()


def test_a_conversion_by_reference_has_the_look_of_the_reference_in_the_scene_of_the_source(tmp_path: Path) -> None:
    animals = load(tmp_path)
    source, reference = sample_identity(SEEDS["test"][0]), sample_identity(SEEDS["test"][4])
    (edit,) = animals.true_edit([0], one_hot(1), [[("dog", 4)]])
    assert (edit == render("dog", source.with_look("dog", reference), 32)).all()
    assert (edit != animals.true_edit([0], one_hot(1))[0]).any()
    itself = animals.true_edit([4], one_hot(1), [[("dog", 4)]])
    assert (itself[0] == animals.images[4]).all()


@pytest.mark.parametrize("labels", [[[1, 1, 0]], [[0, 0, 0]], [[1, 0]], [[1, 0, 0], [0, 1, 0]]])
def test_labels_that_name_no_single_domain_are_refused(tmp_path: Path, labels: list[list[int]]) -> None:
    with pytest.raises(ValueError, match=r"one-hot|same length"):
        load(tmp_path).true_edit([0], np.array(labels, np.uint8))


def test_a_second_load_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path)
    monkeypatch.setattr(cache, "make_block", None)
    assert load(tmp_path).digest == first.digest


def test_wrong_requests_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'train'"):
        load(tmp_path, "trian")
    with pytest.raises(UserError, match="drawn animals has 1 to"):
        load(tmp_path, count=0)
    with pytest.raises(UserError, match="16 to 1024"):
        load(tmp_path, size=8)


def test_the_profile_opens_them_and_the_preview_shows_their_conversions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBENCH_CACHE", str(tmp_path))
    animals = open_split(load_profile("animals64"), "test", limit=6)
    assert len(animals) == 6 and animals.attributes == DOMAINS and animals.image_size == 64
    photos = ImageSet(animals.images, animals.labels, animals.ids, DOMAINS, 64, "afhq", "0")
    with_conversions, without = preview_sheet(animals, 6), preview_sheet(photos, 6)
    assert with_conversions.width > without.width and with_conversions.height > 4 * without.height
