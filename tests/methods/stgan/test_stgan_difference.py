"""STGAN's difference vectors equal the official TensorFlow code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from official_stgan import EXPECTED, FACTS, flipped, inputs

from bridgebench.methods.core.labels import CELEBA14, Attributes, Domains
from bridgebench.methods.stgan.editor import difference
from bridgebench.methods.stgan.official import OFFICIAL_ATTRIBUTES


@pytest.mark.parametrize(
    ("prefix", "attributes", "facts"),
    [("", OFFICIAL_ATTRIBUTES, FACTS["labels"]), ("n14/", CELEBA14, FACTS["n14"])],
)
def test_differences(prefix, attributes, facts):
    _, source, target = inputs(facts)
    assert facts["attributes"] == list(attributes)
    several = {
        "multi_PaleSkin_Male": (["Pale_Skin", "Male"], 1),
        "multi_Black_Blond": (["Black_Hair", "Blond_Hair"], 1),
        "multi_Male_Young_int2": (["Male", "Young"], 2),
        "multi_Bangs_RecedingHairline": (["Bangs", "Receding_Hairline"], 1),
        "multi_Black_Gray_NoBeard": (["Black_Hair", "Gray_Hair", "No_Beard"], 1),
    }
    assert np.array_equal(difference(target, source, 1, Attributes(attributes)), EXPECTED[f"{prefix}diff/swap"])
    for strength in (1, 2):
        space = Attributes(attributes)
        single = [difference(flipped(source, [name], attributes), source, strength, space) for name in attributes]
        assert np.array_equal(torch.stack(single), EXPECTED[f"{prefix}diff/single_int{strength}"])
    for key, (names, strength) in several.items():
        if f"{prefix}diff/{key}" in EXPECTED:
            found = difference(flipped(source, names, attributes), source, strength, Attributes(attributes))
            assert np.array_equal(found, EXPECTED[f"{prefix}diff/{key}"]), key


def test_a_slide_is_a_flip_of_every_strength():
    _, source, _ = inputs()
    target = flipped(source, ["Male"], OFFICIAL_ATTRIBUTES)
    towards = 2 * target[:, OFFICIAL_ATTRIBUTES.index("Male")].unsqueeze(1) - 1
    values = np.linspace(-1, 1, 10).astype(np.float32)
    space = Attributes(OFFICIAL_ATTRIBUTES)
    found = [difference(target, source, 2 * float(value) * towards, space) for value in values]
    np.testing.assert_allclose(torch.stack(found), EXPECTED["diff/slide_Male_10"], rtol=0, atol=1e-7)


def test_attributes_that_give_way_keep_their_code():
    attributes = ("No_Beard", "Goatee", "Mustache", "Young")
    source, target = torch.tensor([[0.0, 1, 1, 0], [1, 0, 0, 0]]), torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0]])
    assert difference(target, source, 2, Attributes(attributes)).tolist() == [[1.5, -1, -1, 0], [-1, 0, 1.5, 0]]


def test_what_a_rule_of_ones_own_brings_along_is_not_scaled():
    """A hat implies a person; a person gone, the hat goes. Domains have no such rules: all of a change is asked for."""
    space = Attributes(("Hat", "Person", "Bag"), (("Hat", "Bag"),), (("Hat", ("Person",)),))
    source, target = torch.tensor([[0.0, 0, 1], [1, 1, 0]]), torch.tensor([[1.0, 1, 0], [0, 0, 0]])
    assert difference(target, source, 2, space).tolist() == [[1.5, 1, -1], [-1, -1.5, 0]]
    both = difference(torch.tensor([[0.0, 1]]), torch.tensor([[1.0, 0]]), 2, Domains(("cat", "dog")))
    assert both.tolist() == [[-1.5, 1.5]]
