"""The flip rule against eval/PROTOCOL.md's words, on every consistent label vector."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.flips import attribute_index, consistent, flip, touched
from bridgebench.methods.core.labels import BEARDS, CELEBA14, HAIR_COLOURS


def contradicts(on: set[str]) -> bool:
    several_colours = len(on & set(HAIR_COLOURS)) > 1
    fringe_and_none = {"Bangs", "Receding_Hairline"} <= on
    beard_and_none = "No_Beard" in on and bool(on & set(BEARDS))
    return several_colours or fringe_and_none or beard_and_none


def names(labels: np.ndarray) -> set[str]:
    return {name for name, value in zip(CELEBA14, labels, strict=True) if value}


ALL = np.array(list(itertools.product((0, 1), repeat=14)), dtype=np.uint8)
CONSISTENT = ALL[[not contradicts(names(row)) for row in ALL]]


def test_consistent_is_the_protocols_list_of_contradictions():
    np.testing.assert_array_equal(consistent(ALL), [not contradicts(names(row)) for row in ALL])


@pytest.mark.parametrize("attribute", CELEBA14)
def test_a_flip_changes_its_attribute_and_leaves_no_contradiction(attribute):
    flipped = flip(CONSISTENT, attribute)
    column = CELEBA14.index(attribute)
    assert (flipped[:, column] == 1 - CONSISTENT[:, column]).all()
    assert consistent(flipped).all()


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
    assert {CELEBA14[i] for i in np.flatnonzero(touched(labels, attribute))} == before ^ after


def test_shapes_dtypes_and_the_input_are_kept():
    labels = CONSISTENT[:5].copy()
    flipped = flip(labels, "Bangs")
    assert flipped.shape == labels.shape and flipped.dtype == labels.dtype
    np.testing.assert_array_equal(labels, CONSISTENT[:5])
    np.testing.assert_array_equal(flip(labels[3], "Bangs"), flipped[3])


def test_rules_apply_to_the_attributes_there_are():
    assert flip(np.array([1, 0]), "Goatee", ("No_Beard", "Goatee")).tolist() == [0, 1]
    assert flip(np.array([1, 0]), "Goatee", ("Smiling", "Goatee")).tolist() == [1, 1]


def test_wrong_arguments():
    with pytest.raises(UserError, match="Did you mean 'Smiling'"):
        flip(CONSISTENT[0], "smilling")
    with pytest.raises(ValueError, match="column"):
        flip(np.zeros(13), "Bangs")
    with pytest.raises(ValueError, match="0 or 1"):
        flip(np.full(14, -1), "Bangs")
    assert attribute_index("Male") == 9


def test_flips_need_no_torch():
    code = "import sys, bridgebench.methods.core.flips; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
