"""Editing a user's photo: the labels, the picture, and that a mistake writes nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from bridgebench import methods
from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier, save_classifier, to_float
from bridgebench.harness.data.resize import antialiased
from bridgebench.harness.photo import edit as edit_module
from bridgebench.harness.photo.edit import apply_settings, edit_photo, profile_for, take_from
from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, DOMAINS, Attributes
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.starganv2.editor import StarGANv2

PROFILE = """
attributes = {attributes}
methods = ["stargan"]
[data]
name = "faces"
image_size = 32
train = 1
validation = 1
test = 2
[evaluation]
n = 2
batch = 2
minimum_n = 2
diversity_images = 1
diversity_draws = 2
[weights]
classifier = "classifier.safetensors"
stargan = "stargan.safetensors"
bridgegan = "bridgegan.safetensors"
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder with a profile, small random weights and two photos."""
    folder = tmp_path_factory.mktemp("room")
    torch.manual_seed(0)
    save_classifier(AttributeClassifier(CELEBA14, width=4), folder / "classifier.safetensors", {})
    five = StarGAN(
        attributes=["Smiling", "Bangs", "Male", "Black_Hair", "Brown_Hair"], image_size=32, width=4, blocks=1
    )
    methods.save(five, folder / "stargan.safetensors", {})
    methods.save(BridgeGAN(image_size=32, width=4, mapping_blocks=2), folder / "bridgegan.safetensors", {})
    (folder / "tiny.toml").write_text(PROFILE.format(attributes=json.dumps(CELEBA14)))
    noise = np.random.default_rng(0)
    Image.fromarray(noise.integers(0, 256, (50, 80, 3), dtype=np.uint8)).save(folder / "photo.png")
    Image.fromarray(noise.integers(0, 256, (40, 33, 3), dtype=np.uint8)).save(folder / "other.jpg")
    return folder


def _edit(room, out, method="stargan", **options):
    squares = {"crop": "15,0,50", "reference_crop": "0,3,33" if options.get("reference") else None}
    options = {"profile": str(room / "tiny.toml"), **squares, **options}
    return edit_photo(room / "photo.png", method, out, **options).out


FACES = Attributes(CELEBA14)


def _labels(**on):
    return np.array([on.get(name, 0) for name in CELEBA14], np.uint8)


def test_settings_repair_what_contradicts_them():
    bearded = _labels(Young=1, Black_Hair=1, Bangs=1, Mustache=1)
    assert (
        apply_settings(bearded, ["Blond_Hair=1"], FACES) == _labels(Young=1, Blond_Hair=1, Bangs=1, Mustache=1)
    ).all()
    shaved = apply_settings(bearded, ["No_Beard=1", "Receding_Hairline = 1"], FACES)
    assert (shaved == _labels(Young=1, Black_Hair=1, Receding_Hairline=1, No_Beard=1)).all()
    assert (bearded == _labels(Young=1, Black_Hair=1, Bangs=1, Mustache=1)).all()


def test_a_setting_that_holds_already_still_repairs():
    both = _labels(Black_Hair=1, Brown_Hair=1)
    assert (apply_settings(both, ["Smiling=0"], FACES) == both).all()
    assert (apply_settings(both, ["Brown_Hair=1"], FACES) == _labels(Brown_Hair=1)).all()


def test_a_reference_gives_the_named_attributes_alone():
    mine, theirs = _labels(Black_Hair=1, Smiling=1), _labels(Brown_Hair=1, Bangs=1)
    assert (take_from(mine, theirs, ["Brown_Hair"], FACES) == _labels(Brown_Hair=1, Smiling=1)).all()
    assert (take_from(mine, theirs, ["Smiling", "Male"], FACES) == _labels(Black_Hair=1)).all()
    assert (take_from(mine, theirs, CELEBA14, FACES) == theirs).all()


def test_the_edit_is_the_editors_own(room, tmp_path):
    """The square, resized, edited towards read labels with the setting: done here step by step."""
    out = _edit(room, tmp_path / "out.png", settings=["Smiling=1", "Bangs=0", "Male=1", "Black_Hair=0", "Brown_Hair=1"])
    square = np.array(Image.open(room / "photo.png"))[:, 15:65]
    pixels = torch.from_numpy(antialiased(square, 32).copy()).permute(2, 0, 1)[None] / 127.5 - 1
    editor = methods.load("stargan", room / "stargan.safetensors")
    with torch.no_grad():
        expected = editor.generator(pixels, torch.tensor([[1.0, 0, 1, 0, 1]]))
    found = np.array(Image.open(out)).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(found, (expected.numpy() + 1) * 127.5, atol=0.51)


def test_stochastic_edits_follow_the_seed(room, tmp_path):
    def pixels(name, seed, **target):
        return np.array(Image.open(_edit(room, tmp_path / name, "bridgegan", seed=seed, **target))).astype(int)

    smiles = [pixels(f"{k}.png", seed, settings=["Smiling=1", "Male=1", "Bangs=1"]) for k, seed in enumerate((0, 0, 1))]
    assert (smiles[0] == smiles[1]).all()
    assert (smiles[0] != smiles[2]).any()
    assert pixels("r.jpeg", 0, reference=room / "other.jpg", attributes=["Bangs", "Smiling"]).shape == (32, 32, 3)


def test_an_existing_file_is_replaced(room, tmp_path):
    (tmp_path / "out.jpg").write_text("old")
    out = _edit(room, tmp_path / "out.jpg", settings=["Smiling=1"])
    assert Image.open(out).format == "JPEG"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jpg"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"settings": ["Smilling=1"]}, "Did you mean 'Smiling'"),
        ({"settings": ["Smiling=2"]}, "NAME=1 to add"),
        ({"settings": ["Smiling"]}, "NAME=1 to add"),
        ({"settings": ["Smiling=1", "Smiling=0"]}, "at once"),
        ({"settings": ["Black_Hair=1", "Brown_Hair=1"]}, "exclude each other"),
        ({"settings": ["Young=1"]}, "no attribute 'Young'"),
        ({}, "needs a target"),
        ({"settings": ["Smiling=1"], "reference": "other.jpg"}, "needs a target"),
        ({"settings": ["Smiling=1"], "attributes": ["Smiling"]}, "no meaning"),
        ({"reference": "other.jpg", "attributes": ["Smiling"]}, "has no reference edit"),
        ({"reference": "none.jpg"}, "no image file"),
        ({"method": "bridgegan", "reference": "other.jpg", "attributes": ["Bang"]}, "Did you mean 'Bangs'"),
        ({"method": "bridgegan", "settings": ["Smiling=1"], "strength": 9.0}, "strength must lie in"),
        (
            {"method": "bridgegan", "settings": ["Smiling=1"], "weights": "stargan.safetensors"},
            "holds weights of 'stargan'",
        ),
        ({"settings": ["Smiling=1"], "weights": "none.safetensors"}, "no weights file"),
        ({"settings": ["Smiling=1"], "strength": 1.0}, "no edit strength"),
        ({"settings": ["Smiling=1"], "method": "stargun"}, "Did you mean 'stargan'"),
        ({"settings": ["Smiling=1"], "method": "oracle"}, "cannot edit a photo"),
        ({"settings": ["Smiling=1"], "out": "out.bmp"}, r"must end in \.png"),
        ({"settings": ["Smiling=1"], "out": "none/out.png"}, "existing folder"),
    ],
)
def test_mistakes_are_told_and_write_nothing(room, tmp_path, options, sentence):
    options = {"out": "out.png", **options}
    paths = {key: room / options[key] for key in ("reference", "weights") if key in options}
    options = {**options, **paths, "out": tmp_path / options["out"]}
    with pytest.raises(UserError, match=sentence):
        _edit(room, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read", ["photo.png", "other.jpg"])
def test_the_photos_that_are_read_are_kept(room, tmp_path, read):
    (tmp_path / read).symlink_to(room / read)
    before = (room / read).read_bytes()
    with pytest.raises(UserError, match="is the photo itself"):
        _edit(room, tmp_path / read, "bridgegan", reference=room / "other.jpg")
    assert (room / read).read_bytes() == before


def test_broken_weights_write_nothing(room, tmp_path):
    editor = methods.load("stargan", room / "stargan.safetensors")
    editor.generator.load_state_dict({name: t * float("nan") for name, t in editor.generator.state_dict().items()})
    methods.save(editor, tmp_path / "nan.safetensors", {})
    with pytest.raises(UserError, match="not finite"):
        _edit(room, tmp_path / "out.png", settings=["Smiling=1"], weights=tmp_path / "nan.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["nan.safetensors"]


def test_a_control_edits_too(room, tmp_path):
    out = _edit(room, tmp_path / "out.png", "identity", settings=["Smiling=1"])
    square = np.array(Image.open(room / "photo.png"))[:, 15:65]
    np.testing.assert_array_equal(np.array(Image.open(out)), antialiased(square, 64))


def test_the_whole_photo_keeps_what_the_edit_does_not_change(room, tmp_path):
    """What the method makes of the labels that are read is no change; the rest of a request is."""
    whole = np.array(Image.open(room / "photo.png"))
    target = {"profile": str(room / "tiny.toml"), "crop": "15,0,50", "back": True}
    read = edit_photo(room / "photo.png", "stargan", tmp_path / "a.png", settings=["Smiling=1", "Male=1"], **target)
    same = [f"{name}={int(p > 0.5)}" for name, p in zip(read.attributes, read.source, strict=True)][:2]
    edit_photo(room / "photo.png", "stargan", tmp_path / "same.png", settings=same, **target)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "same.png")), whole)
    other = [f"{name}={int(p <= 0.5)}" for name, p in zip(read.attributes, read.source, strict=True)][:2]
    edit_photo(room / "photo.png", "stargan", tmp_path / "other.png", settings=other, **target)
    found = np.array(Image.open(tmp_path / "other.png"))
    changed = np.argwhere((found != whole).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 1].min() >= 15 and changed[:, 1].max() < 65


def test_the_table_says_what_is_read_and_what_is_wanted(room, tmp_path):
    """The probabilities are those of the profile's classifier, on the square as its own images are made."""
    target = {"profile": str(room / "tiny.toml"), "crop": "15,0,50"}
    done = edit_photo(room / "photo.png", "stargan", tmp_path / "a.png", settings=["Smiling=1"], **target)
    classifier = load_classifier(room / "classifier.safetensors")
    square = antialiased(np.array(Image.open(room / "photo.png"))[:, 15:65], 32)
    columns = [CELEBA14.index(name) for name in done.attributes]
    with torch.no_grad():
        expected = torch.sigmoid(classifier(to_float(square[None])))[0, columns].numpy()
        result = torch.sigmoid(classifier(to_float(np.array(Image.open(done.out))[None])))[0, columns].numpy()
    np.testing.assert_allclose(done.source, expected, atol=1e-5)
    np.testing.assert_allclose(done.result, result, atol=1e-5)
    words = done.words()
    assert words.startswith("StarGAN, weights and classifier of the profile tiny\n")
    row = next(line for line in words.splitlines() if line.startswith("Smiling"))
    change = "-" if expected[0] > 0.5 else "on"
    assert row.split() == ["Smiling", *f"{expected[0]:.0%}".split(), change, *f"{result[0]:.0%}".split()]


def test_the_table_of_an_edit_by_reference_has_the_reference(room, tmp_path):
    done = edit_photo(
        room / "photo.png",
        "bridgegan",
        tmp_path / "a.png",
        reference=room / "other.jpg",
        attributes=["Bangs"],
        profile=str(room / "tiny.toml"),
        crop="15,0,50",
        reference_crop="0,3,33",
    )
    square = antialiased(np.array(Image.open(room / "other.jpg"))[3:36], 32)
    with torch.no_grad():
        expected = torch.sigmoid(load_classifier(room / "classifier.safetensors")(to_float(square[None])))[0].numpy()
    np.testing.assert_allclose(done.reference, expected, atol=1e-5)
    assert "in the reference" in done.words()


def test_the_colours_of_the_photos_file_are_kept_and_nothing_else_of_it(room, tmp_path):
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    secret = Image.Exif()
    secret[0x010E] = "where I live"
    photo = Image.open(room / "photo.png")
    photo.save(tmp_path / "mine.jpg", icc_profile=colours, exif=secret)
    target = {"settings": ["Smiling=1"], "profile": str(room / "tiny.toml"), "crop": "15,0,50", "back": True}
    for name in ("out.jpg", "out.png"):
        found = Image.open(edit_photo(tmp_path / "mine.jpg", "stargan", tmp_path / name, **target).out)
        assert found.info["icc_profile"] == colours
        assert len(found.getexif()) == 0


def test_photos_are_edited_by_the_profile_of_photos_if_it_has_weights(room, monkeypatch):
    monkeypatch.setattr(edit_module, "find_weights", lambda name, profile: {"stgan": room}.get(name))
    assert profile_for("stgan", None, None).name == "celeba64"
    assert profile_for("identity", None, None).name == "celeba64"
    assert profile_for("elegant", "faces64", None).name == "faces64"
    with pytest.raises(UserError, match=r"no weights of ELEGANT for photos.*take --method stgan; train them"):
        profile_for("elegant", None, None)
    assert profile_for("stargan", None, room / "stargan.safetensors").name == "celeba64"  # its file names no profile
    methods.save(
        methods.load("stargan", room / "stargan.safetensors"), room / "named.safetensors", {"profile": "smoke"}
    )
    assert profile_for("stargan", None, room / "named.safetensors").name == "smoke"


def test_a_damaged_photo_writes_nothing(room, tmp_path):
    (room / "damaged.png").write_bytes((room / "photo.png").read_bytes()[:500])
    with pytest.raises(UserError, match=r"damaged\.png is a damaged image"):
        edit_photo(
            room / "damaged.png",
            "stargan",
            tmp_path / "out.png",
            settings=["Smiling=1"],
            profile=str(room / "tiny.toml"),
        )
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def animals(room):
    """The same photos, and a profile of domains with small random weights."""
    torch.manual_seed(0)
    save_classifier(AttributeClassifier(DOMAINS, width=4), room / "domains.safetensors", {})
    editor = StarGANv2(attributes=DOMAINS, image_size=32, width=4, widest=8, mapping_width=8)
    methods.save(editor, room / "starganv2.safetensors", {})
    text = (
        PROFILE.format(attributes=json.dumps(DOMAINS)).replace('"faces"', '"animals"').replace("test = 2", "test = 6")
    )
    text = text.replace("classifier.safetensors", "domains.safetensors")
    (room / "animals.toml").write_text(text + 'starganv2 = "starganv2.safetensors"\n')
    return room


def _convert(animals, out, **options):
    return _edit(animals, out, "starganv2", profile=str(animals / "animals.toml"), **options)


def test_a_photo_is_converted_to_the_domain_that_is_set(animals, tmp_path):
    found = np.array(Image.open(_convert(animals, tmp_path / "dog.png", settings=["dog=1"])))
    square = np.array(Image.open(animals / "photo.png"))[:, 15:65]
    pixels = torch.from_numpy(antialiased(square, 32).copy()).permute(2, 0, 1)[None] / 127.5 - 1
    editor = methods.load("starganv2", animals / "starganv2.safetensors")
    expected = editor.edit(pixels, torch.tensor([[0.0, 1, 0]]), generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(found.transpose(2, 0, 1)[None], (expected.numpy() + 1) * 127.5, atol=0.51)


def test_a_reference_gives_its_one_domain(animals, tmp_path):
    """Also where the judge reads all three as absent, or several as present: the likeliest one."""
    out = _convert(animals, tmp_path / "out.png", reference=animals / "other.jpg")
    assert Image.open(out).size == (32, 32)


@pytest.mark.parametrize("settings", [["dog=0"], ["dog=1", "cat=1"], ["dgo=1"], ["dog"]])
def test_what_is_no_domain_to_convert_to_is_refused(animals, tmp_path, settings):
    with pytest.raises(UserError, match=r"name one domain, NAME=1, of cat, dog, wild|Did you mean 'dog'"):
        _convert(animals, tmp_path / "out.png", settings=settings)
    with pytest.raises(UserError, match="no meaning"):
        _convert(animals, tmp_path / "out.png", reference=animals / "other.jpg", attributes=["dog"])
    assert not list(tmp_path.iterdir())
