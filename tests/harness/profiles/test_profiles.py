"""Profiles: the shipped ones are valid, and every mistake is told in one sentence with file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgebench.harness.benchmark.kinds import PAIR, other_cells
from bridgebench.harness.profiles.profile import SHIPPED, check_columns, load_profile, shipped_profiles
from bridgebench.harness.weights.find import EYES, NETWORKS
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, DOMAINS, Attributes, Domains

SMOKE = (SHIPPED / "smoke.toml").read_text()


def test_shipped_profiles_are_valid_and_benchmark_the_papers_attributes() -> None:
    assert {"smoke", "faces64", "celeba128"} <= set(shipped_profiles())
    for name in shipped_profiles():
        assert load_profile(name).name == name
    for name in ("smoke", "faces64", "celeba128"):
        assert load_profile(name).attributes == CELEBA14


def test_celeba128_trains_as_the_supplement_says() -> None:
    profile = load_profile("celeba128")
    assert (profile.data.name, profile.data.image_size, profile.data.split) == ("celeba", 128, "official-code")
    recipe = profile.train["bridgegan"]
    assert (recipe["batch_size"], recipe["n_critic"], recipe["learning_rate"]) == (48, 5, 2e-4)
    assert recipe["loss_weights"] == "supplement"


def test_celeba64_cuts_photos_as_it_says_and_averages_every_method_alike() -> None:
    profile = load_profile("celeba64")
    assert profile.data.crop is not None
    assert profile.data.crop.model_dump() == {"left": 16, "top": 51, "size": 146}
    assert (profile.data.resize, profile.data.split, profile.averaging) == ("antialiased", "part", 0.999)
    trained = {*profile.methods, *NETWORKS, EYES} - {"identity", "copy", "attack"}
    assert profile.train.keys() == trained
    # What is read from JSON is the same profile: `verify` reads a run's so.
    assert type(profile).model_validate_json(profile.model_dump_json()) == profile


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("batch = 32", "bacth = 32", ["evaluation.bacth", "Did you mean 'batch'"]),
        ("batch = 32", 'batch = "many"', ["evaluation.batch", "integer", "'many'"]),
        ("batch = 32", "batch = 0", ["evaluation.batch", "greater than or equal to 1"]),
        ("batch = 32", "", ["evaluation.batch", "missing"]),
        ('"Young"', '"Yuong"', ["attributes", "'Yuong'", "Did you mean 'Young'"]),
        ("n = 64", "n = 640", ["evaluation.n = 640", "data.test = 200"]),
        ("image_size = 32", "image_size = 32\ncrop = { left = 0, top = 0, size = 10 }", ["data", "for the photos of"]),
        ("image_size = 32", 'image_size = 32\nresize = "antialiased"', ["data", "for the photos of 'celeba'"]),
        ("image_size = 32", "image_size = 40", ["data.image_size", "multiple of 32"]),
        ('name = "faces"', 'name = "fases"', ["data.name", "'faces'", "'fases'"]),
        ("[evaluation]", "[evalution]", ["evalution", "Did you mean 'evaluation'"]),
        ("[data]", "[data", ["not valid TOML"]),
        ("[data]", 'name = "other"\n[data]', ["named by its file"]),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    path = tmp_path / "mine.toml"
    assert old in SMOKE
    path.write_text(SMOKE.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_profile(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in [str(path), *parts]:
        assert part in message


def test_unknown_profiles() -> None:
    with pytest.raises(UserError, match=r"no profile 'face64'. Did you mean 'faces64'\?"):
        load_profile("face64")
    with pytest.raises(UserError, match="no profile file"):
        load_profile("nowhere/mine.toml")


def test_weights_are_named_relative_to_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMOKE + '\n[weights]\nstargan = "here/stargan.safetensors"\n')
    assert load_profile(path).weights == {"stargan": str(tmp_path / "here/stargan.safetensors")}


def test_a_profile_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_profile("smoke").data.image_size = 64


def test_a_profile_of_domains_has_conversions_as_columns(tmp_path: Path) -> None:
    animals = load_profile("animals64")
    assert animals.space == Domains(DOMAINS) and animals.attributes == DOMAINS
    assert animals.columns == ("dog2cat", "wild2cat", "cat2dog", "wild2dog", "cat2wild", "dog2wild")
    faces = load_profile("faces64")
    assert faces.space == Attributes(CELEBA14) and faces.columns == faces.attributes == CELEBA14
    text = (SHIPPED / "animals64.toml").read_text()
    for old, new, part in (
        ('["cat", "dog", "wild"]', '["dog", "cat", "wild"]', "its domains: cat, dog, wild"),
        ("n = 50", "n = 201", "n = 201 of each domain is more than data.test = 600"),
        ("outputs = 10", "outputs = 1", "evaluation.outputs"),
    ):
        assert old in text
        (tmp_path / "mine.toml").write_text(text.replace(old, new, 1))
        with pytest.raises(UserError, match=part):
            load_profile(tmp_path / "mine.toml")


def test_afhq256_trains_starganv2_as_its_authors_did_and_measures_with_their_inception() -> None:
    profile = load_profile("afhq256")
    assert (profile.data.name, profile.data.image_size, profile.evaluation.n) == ("afhq", 256, 0)
    assert (profile.evaluation.features, profile.evaluation.outputs) == ("inception-imagenet", 10)
    recipe = profile.train["starganv2"]
    assert recipe["weights"]["diversity"] == 2 and recipe["high_pass"] == 0 and recipe["iterations"] == 100_000


RULES = """
like = "celeba64"
[attributes]
names = ["Wearing_Hat", "Eyeglasses", "Bald", "Wearing_Earrings"]
exclusive = [["Wearing_Hat", "Bald"]]
implies = { Eyeglasses = ["Wearing_Earrings"] }
"""


def test_rules_stand_with_the_names_and_replace_those_of_the_data_set(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RULES)
    profile = load_profile(path)
    assert profile.attributes == ("Wearing_Hat", "Eyeglasses", "Bald", "Wearing_Earrings")
    assert profile.space.own_rules() == {
        "exclusive": [["Wearing_Hat", "Bald"]],
        "implies": {"Eyeglasses": ["Wearing_Earrings"]},
    }
    assert type(profile).model_validate_json(profile.model_dump_json()) == profile
    path.write_text('like = "celeba64"\n[attributes]\nexclusive = []\n')
    assert load_profile(path).attributes == CELEBA14 and load_profile(path).space.excluded("Bangs") == []


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('"Bald"]]', '"Blad"]]', ["attributes", "a rule names 'Blad'", "Did you mean 'Bald'"]),
        ("exclusive", "exlusive", ["attributes.exlusive", "Did you mean 'exclusive'"]),
        ('[["Wearing_Hat", "Bald"]]', '["Bald"]', ["attributes.exclusive.0", "list"]),
        ('= ["Wearing_Earrings"] }', '= "Wearing_Earrings" }', ["attributes.implies.Eyeglasses", "list"]),
        ('"Bald"]]', '"Bald"], ["Eyeglasses", "Wearing_Earrings"]]', ["attributes", "Eyeglasses can never be on"]),
        ('"Bald", "Wearing_Earrings"]', '"Bald", "Wearing_Erarings"]', ["'Wearing_Erarings'", "Did you mean"]),
        ('like = "celeba64"', 'like = "celeba64"\nrules = { exclusive = [] }', ["no key 'rules'", "[attributes]"]),
        ('like = "celeba64"', 'like = "animals64"', ["attributes", "domains"]),
    ],
)
def test_wrong_rules_are_told_with_their_place(tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    path = tmp_path / "mine.toml"
    assert old in RULES
    path.write_text(RULES.replace(old, new))
    with pytest.raises(UserError) as error:
        load_profile(path)
    assert all(part in str(error.value) for part in (str(path), *parts)), error.value


def test_no_attribute_has_the_name_of_another_cell() -> None:
    settings = load_profile("faces64").evaluation
    space = Attributes(("A", "B", "C", "D", "E"))
    for name in other_cells(space, settings):
        if PAIR not in name:  # no attribute has that sign
            with pytest.raises(ValueError, match="another cell"):
                check_columns(["Hat", name])
    check_columns(["Hat", "flip", "added", "10 flips", "Strength of will"])
