"""The label space: flips against eval/PROTOCOL.md's words, on every consistent label vector, and conversions."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import (
    BEARDS,
    CELEBA14,
    CELEBA40,
    DOMAINS,
    HAIR_COLOURS,
    Attributes,
    Domains,
    check_names,
    label_space,
    plain_space,
)

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


# Rules of one's own: a beard is of a man, a goatee is a beard; of three hats a head has one; a turban needs no man.
OWN = Attributes(
    ("Man", "Beard", "Goatee", "Veil", "Cap", "Turban"),
    (("Veil", "Cap", "Turban"), ("Man", "Veil")),
    (("Goatee", ("Beard",)), ("Beard", ("Man",))),
)


def keeps(on: set[str]) -> bool:
    """The rules of `OWN` once more, in other words."""
    wears = len(on & {"Veil", "Cap", "Turban"}) < 2
    return (
        wears
        and not {"Man", "Veil"} <= on
        and ("Goatee" not in on or "Beard" in on)
        and ("Beard" not in on or "Man" in on)
    )


def test_flips_under_rules_of_ones_own_change_as_little_as_the_rules_allow():
    every = np.array(list(itertools.product((0, 1), repeat=6)), np.uint8)
    rows = [row for row in every if keeps({n for n, v in zip(OWN.columns, row, strict=True) if v})]
    for row in rows:
        for place, name in enumerate(OWN.columns):
            found = OWN.target(row, name)
            assert found[place] == 1 - row[place]
            # Of all label vectors that keep the rules and have the new value, none differs less from the old one.
            nearest = min((other != row).sum() for other in rows if other[place] != row[place])
            assert keeps({n for n, v in zip(OWN.columns, found, strict=True) if v}), (row, name)
            assert (found != row).sum() == nearest, (row, name)
    assert (OWN.target(np.array(rows), "Goatee") == [OWN.target(row, "Goatee") for row in rows]).all()
    assert OWN.broken(np.array(rows)) == {}
    assert OWN.broken(np.array([[0, 1, 0, 1, 1, 0]])) == {
        "at most one of Veil, Cap, Turban": 1,
        "Beard implies Man": 1,
    }


def test_rules_that_nobody_can_keep_are_refused():
    Attributes(CELEBA40).check_rules()
    OWN.check_rules()
    with pytest.raises(ValueError, match="A can never be on: it implies B, and excludes it"):
        Attributes(("A", "B"), (("A", "B"),), (("A", ("B",)),)).check_rules()
    with pytest.raises(ValueError, match="A can never be on"):
        Attributes(("A", "B", "C"), (("B", "C"),), (("A", ("B", "C")),)).check_rules()


def test_celebas_rules_are_no_rules_of_ones_own():
    """So a protocol of CelebA's rules has the hash that it had before there were others."""
    for columns in (CELEBA14, CELEBA40, ("Smiling", "Young"), ("Hat", "Bag")):
        assert Attributes(columns).own_rules() is None
    assert Attributes(("Hat", "Bag"), ()).own_rules() is None
    assert Attributes(CELEBA14, ()).own_rules() == {"exclusive": [], "implies": {}}
    for space in (OWN, FACES, ANIMALS, Domains(("oil", "ink")), Attributes(CELEBA14, ())):
        again = label_space(space.columns, **plain_space(space))
        assert plain_space(again) == plain_space(space)
        assert [again.bound(name, on) for name in space.columns for on in (True, False)] == [
            space.bound(name, on) for name in space.columns for on in (True, False)
        ]


@pytest.mark.parametrize("name", ["Brille", "眼鏡", "очки", "5_o_Clock_Shadow", "Nose (big)", "v1.2-x", "é"])
def test_names_may_be_of_any_language(name):
    check_names([name, "Other"])


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("<b>Hat</b>", "'<' in it"),
        ("../Hat", "'/' in it"),
        ("..", "begin with a letter"),
        ("Hat\nBag", "in it"),
        ("Hat,Bag", "',' in it"),
        ("Hat+Bag", r"'\+' in it"),
        ("Hat=1", "'=' in it"),
        ("Hat\u202eBag", "in it"),
        ("$Hat$", r"'\$' in it"),
        ("-Hat", "begin with a letter"),
        ("Hat ", "not end with a space"),
        ("", "begin with a letter"),
        ("x" * 300, "too long"),
        ("鏡" * 40, "too long"),
        ("e\u0301", "composed form"),
        ("smiling", "differ in case alone"),
    ],
)
def test_names_that_could_be_taken_for_something_else_are_refused(name, part):
    with pytest.raises(ValueError, match=part):
        check_names(["Smiling", name])


def test_domains_have_a_name_for_each_conversion():
    Domains(("oil", "ink", "pencil")).check_rules()
    with pytest.raises(ValueError, match="'a2b2c'"):
        Domains(("a", "b2c", "a2b", "c")).check_rules()
    check_names(["x" * 64, "鏡" * 16])
    with pytest.raises(ValueError, match="too long together"):
        Domains(("鏡" * 16, "眼" * 16)).check_rules()
    with pytest.raises(ValueError, match="two domains"):
        Domains(("a",)).check_rules()
