"""The label space: flips against eval/PROTOCOL.md's words, on every consistent label vector, and conversions."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import BEARDS, CELEBA14, DOMAINS, HAIR_COLOURS, Attributes, Domains, label_space

FACES, ANIMALS = Attributes(CELEBA14), Domains(DOMAINS)
flip = FACES.target


def contradicts(on: set[str]) -> bool:
    several_colours = len(on & set(HAIR_COLOURS)) > 1
    fringe_and_none = {"Bangs", "Receding_Hairline"} <= on
    beard_and_none = "No_Beard" in on and bool(on & set(BEARDS))
    return several_colours or fringe_and_none or beard_and_none


def names(labels: np.ndarray) -> set[str]:
    return {name for name, value in zip(CELEBA14, labels, strict=True) if value}


ALL = np.array(list(itertools.product((0, 1), repeat=14)), dtype=np.uint8)
CONSISTENT = ALL[[not contradicts(names(row)) for row in ALL]]


@pytest.mark.parametrize("attribute", CELEBA14)
def test_a_flip_changes_its_attribute_and_leaves_no_contradiction(attribute):
    flipped = flip(CONSISTENT, attribute)
    column = CELEBA14.index(attribute)
    assert (flipped[:, column] == 1 - CONSISTENT[:, column]).all()
    assert not any(contradicts(names(row)) for row in flipped)


@pytest.mark.parametrize("attribute", CELEBA14)
def test_a_flip_repairs_only_what_it_must(attribute):
    """Undoing any one repair brings a contradiction back; and no repair turns an attribute on."""
    column = CELEBA14.index(attribute)
    for before, after in zip(CONSISTENT[::7], flip(CONSISTENT[::7], attribute), strict=True):
        for repaired in set(np.flatnonzero(before != after)) - {column}:
            assert after[repaired] == 0
            undone = after.copy()
            undone[repaired] = 1
            assert contradicts(names(undone))


@pytest.mark.parametrize(
    ("before", "attribute", "after"),
    [
        ({"Black_Hair", "Male"}, "Blond_Hair", {"Blond_Hair", "Male"}),
        ({"Black_Hair"}, "Black_Hair", set()),
        ({"Receding_Hairline", "No_Beard"}, "Bangs", {"Bangs", "No_Beard"}),
        ({"Bangs"}, "Receding_Hairline", {"Receding_Hairline"}),
        ({"No_Beard", "Young"}, "Goatee", {"Goatee", "Young"}),
        ({"Mustache", "Goatee", "Sideburns"}, "No_Beard", {"No_Beard"}),
        ({"No_Beard"}, "No_Beard", set()),
        ({"Mustache"}, "Mustache", set()),
        ({"Male", "Young"}, "Male", {"Young"}),
    ],
)
def test_worked_flips(before, attribute, after):
    labels = np.array([name in before for name in CELEBA14], dtype=np.int64)
    assert names(flip(labels, attribute)) == after


def test_shapes_dtypes_and_the_input_are_kept():
    labels = CONSISTENT[:5].copy()
    flipped = flip(labels, "Bangs")
    assert flipped.shape == labels.shape and flipped.dtype == labels.dtype
    np.testing.assert_array_equal(labels, CONSISTENT[:5])
    np.testing.assert_array_equal(flip(labels[3], "Bangs"), flipped[3])


def test_rules_apply_to_the_attributes_there_are():
    assert Attributes(("No_Beard", "Goatee")).target(np.array([1, 0]), "Goatee").tolist() == [0, 1]
    assert Attributes(("Smiling", "Goatee")).target(np.array([1, 0]), "Goatee").tolist() == [1, 1]


def test_wrong_arguments():
    with pytest.raises(UserError, match="Did you mean 'Smiling'"):
        flip(CONSISTENT[0], "smilling")
    with pytest.raises(ValueError, match="column"):
        flip(np.zeros(13), "Bangs")
    with pytest.raises(ValueError, match="0 or 1"):
        flip(np.full(14, -1), "Bangs")
    assert FACES.index("Male") == 9


def test_rules_are_data():
    fruit = Attributes(("apple", "pear", "ripe"), rules=(("apple", "pear"),))
    assert fruit.target(np.array([[1, 0, 1], [0, 1, 1]]), "pear").tolist() == [[0, 1, 1], [0, 0, 1]]
    assert fruit.excluded("pear") == ["apple"] and not fruit.excluded("ripe")


def test_a_conversion_sets_one_domain():
    labels = np.array([[1, 0, 0], [0, 1, 0]], np.uint8)
    target = ANIMALS.target(labels, "wild")
    assert target.tolist() == [[0, 0, 1]] * 2 and target.dtype == np.uint8 and labels[0, 0] == 1
    assert ANIMALS.target(labels[0], "dog").tolist() == [0, 1, 0]
    with pytest.raises(UserError, match=r"no domain 'dgo'.*Did you mean 'dog'"):
        ANIMALS.target(labels, "dgo")


def test_a_judge_reads_any_number_of_attributes_and_one_domain():
    logits = np.array([[-3.0, -1.0, -2.0], [1.0, 2.0, 3.0], [5.0, 5.0, 0.0]])
    assert Attributes(("a", "b", "c")).seen(logits).tolist() == [[False] * 3, [True] * 3, [True, True, False]]
    assert ANIMALS.seen(logits).argmax(axis=1).tolist() == [1, 2, 0]
    assert (ANIMALS.seen(logits).sum(axis=1) == 1).all()


def test_cells_their_images_and_what_they_change():
    labels = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert FACES.cells == CELEBA14 and FACES.change("Bangs") == (None, "Bangs")
    assert [FACES.rows(labels, part).tolist() for part in FACES.parts] == [[0, 1, 2, 3]]
    assert FACES.contrast("Bangs") == ((8, 1), (8, 0))
    assert ANIMALS.change("cat2wild") == ("cat", "wild") and ANIMALS.contrast("cat2wild") == ((0, 1), (2, 1))
    assert [ANIMALS.rows(labels, part).tolist() for part in ANIMALS.parts] == [[0, 3], [1], [2]]
    assert FACES.spoken("Gray_Hair") == "Gray Hair" and ANIMALS.spoken("cat2dog") == "cat → dog"


def test_a_label_space_is_known_by_its_names_or_by_what_a_record_says():
    assert label_space(DOMAINS) == ANIMALS and label_space(CELEBA14) == FACES
    assert label_space(["tea", "milk"], "conversions") == Domains(("tea", "milk"))
    assert label_space(DOMAINS, "flips") == Attributes(DOMAINS)


def test_label_spaces_need_no_torch():
    code = "import sys, bridgebench.methods.core.labels; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
