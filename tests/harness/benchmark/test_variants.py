"""Variants: a method under another name, seed or recipe; from the profile to run.json."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench import methods
from bridgebench.harness.benchmark.plan import Participant, all_cells, select
from bridgebench.harness.benchmark.provenance import run_record
from bridgebench.harness.benchmark.workbench import Setup, Workbench
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train import loop
from bridgebench.harness.weights.find import find_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header

Write = Callable[..., Path]
VARIANT = """
[variants.stargan-small]
method = "stargan"
title = "StarGAN, small"
seed = 3
recipe = { width = 6 }

[variants.bridgegan-half]
method = "bridgegan"
modes = ["label"]

[train.stargan]
width = 4
blocks = 1
discriminator_width = 4
iterations = 4
batch_size = 4
n_critic = 1

[weights]"""


def with_variants(tiny_profile: Write, *changes: tuple[str, str]) -> Path:
    text = VARIANT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return tiny_profile(('["identity", "oracle"]', '["identity", "stargan-small"]'), ("\n[weights]", text))


@pytest.fixture
def profile(tiny_profile: Write) -> Profile:
    return load_profile(with_variants(tiny_profile))


def test_a_name_stands_for_a_variant_or_for_the_method_itself(profile: Profile) -> None:
    assert profile.recipe("stargan") == profile.train["stargan"]
    assert profile.recipe("stargan-small") == {**profile.train["stargan"], "width": 6}
    card, plain = profile.card("stargan-small"), methods.card("stargan")
    assert (card.name, card.title, card.modes) == ("stargan-small", "StarGAN, small", plain.modes)
    assert (card.editor, card.kind) == (plain.editor, "method")
    assert profile.card("stargan") == plain
    assert profile.card("bridgegan-half").modes == {"label"}
    assert profile.card("bridgegan-half").title == "BridgeGAN (bridgegan-half)"
    with pytest.raises(
        UserError, match=r"Did you mean 'stargan-small'.*has the variants stargan-small, bridgegan-half"
    ):
        profile.card("stargan-smal")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('method = "stargan"', 'method = "stragan"', "stargan-small: There is no method 'stragan'. Did you mean"),
        ('method = "stargan"', 'method = "identity"', "stargan-small: the method 'identity' has nothing to train"),
        ("variants.stargan-small", "variants.stgan", "stgan: 'stgan' is taken"),
        ("variants.stargan-small", "variants.judge", "judge: 'judge' is taken"),
        ("variants.stargan-small", 'variants."../x"', "../x: a variant's name is made of letters"),
        ("variants.stargan-small", f"variants.{'x' * 65}", "a variant's name is made of letters"),
        ('modes = ["label"]', "modes = []", r"bridgegan-half: modes = [] must be some of those of 'bridgegan'"),
        ('modes = ["label"]', 'modes = ["both"]', "variants.bridgegan-half.modes.0"),
        ('title = "StarGAN, small"', 'titel = "StarGAN"', "there is no key 'variants.stargan-small.titel'"),
        ("seed = 3", "seed = -1", "variants.stargan-small.seed should be greater than or equal to 0"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(tiny_profile: Write, old: str, new: str, sentence: str) -> None:
    path = with_variants(tiny_profile, (old, new))
    with pytest.raises(UserError) as caught:
        load_profile(path)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)


def test_a_mode_that_the_method_lacks(tiny_profile: Write) -> None:
    path = with_variants(tiny_profile, ("seed = 3", 'modes = ["reference"]'))
    with pytest.raises(UserError, match=r"must be some of those of 'stargan': .'label'"):
        load_profile(path)


def test_a_variant_is_trained_with_its_own_recipe_and_seed(profile: Profile, tmp_path: Path) -> None:
    weights = loop.train("stargan-small", profile, out=tmp_path / "run")
    found = header(weights)
    assert (found["method"], found["config"]["width"]) == ("stargan", 6)
    assert found["card"]["seed"] == 3
    assert found["card"]["recipe"] == profile.recipe("stargan-small")
    assert found["card"]["origin"] == "bridgebench train stargan-small --profile tiny"
    other = loop.train("stargan-small", profile, out=tmp_path / "other", seed=4)
    assert header(other)["card"]["seed"] == 4
    first = found["card"]["curves"]["first"]
    assert first["iterations"] == [1, 2, 3, 4]
    assert first["losses"] != header(other)["card"]["curves"]["first"]["losses"]


def test_an_unknown_key_names_the_variant(tiny_profile: Write, tmp_path: Path) -> None:
    profile = load_profile(with_variants(tiny_profile, ("width = 6", "widht = 6")))
    with pytest.raises(
        UserError, match=r"variant 'stargan-small' of the profile 'tiny'.*'widht'.*Did you mean 'width'"
    ):
        loop.train("stargan-small", profile, out=tmp_path / "run")


def test_the_command_line_trains_a_variant(
    tiny_profile: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = with_variants(tiny_profile)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "stargan-small", "--profile", str(path)]) == 0
    assert find_weights("stargan-small", load_profile(path)) == Path(
        "runs/train/stargan-small-tiny/weights.safetensors"
    )
    assert main(["train", "stargan-smal", "--profile", str(path)]) == 2
    assert "Did you mean 'stargan-small'?" in capsys.readouterr().err


def test_a_variant_takes_part_with_weights_of_its_method(profile: Profile, tmp_path: Path) -> None:
    weights = loop.train("stargan-small", profile, out=tmp_path / "train")
    profile = profile.model_copy(update={"weights": {**profile.weights, "stargan-small": str(weights)}})
    entries, left_out = select(profile, None, has_truth=True)
    assert [entry.name for entry in entries] == ["identity", "stargan-small"]
    assert not left_out
    entry = entries[1]
    assert (entry.method, entry.distribution) == ("stargan", entries[0].distribution)
    assert {cell.place[0] for cell in all_cells([entry], ["Young"], "hash")} == {"stargan-small"}
    bench = Workbench(Setup(profile, None, None, tmp_path / "run"))
    assert bench.editor(entry).name == "stargan"
    record = run_record(bench, profile, entries, None).plain()["methods"]
    small = record["stargan-small"]
    assert (small["title"], small["kind"], small["modes"]) == ("StarGAN, small", "method", ["label"])
    assert (small["variant_of"], small["seed"], small["changes"]) == ("stargan", 3, {"width": 6})
    assert "variant_of" not in record["identity"]


def test_weights_of_another_method_do_not_fit_a_variant(profile: Profile, tmp_path: Path) -> None:
    weights = loop.train("stargan-small", profile, out=tmp_path / "train")
    profile = profile.model_copy(update={"weights": {**profile.weights, "bridgegan-half": str(weights)}})
    with pytest.raises(UserError, match="holds weights of 'stargan', not of 'bridgegan'"):
        select(profile, ["bridgegan-half"], has_truth=True)


def test_a_profile_with_variants_survives_run_json(profile: Profile) -> None:
    assert Profile.model_validate_json(profile.model_dump_json()) == profile
    assert isinstance(select(profile, ["identity"], has_truth=True)[0][0], Participant)
