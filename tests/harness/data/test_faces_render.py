"""The drawing of faces: the same bytes everywhere, and a flip changes what the attribute means and nothing else."""

import dataclasses
import hashlib

import numpy as np
import pytest

from bridgebench.harness.data.drawn.raster import edit_mask
from bridgebench.harness.data.faces.identity import STYLE_FIELDS, Identity, sample_identity
from bridgebench.harness.data.faces.labels import sample_labels
from bridgebench.harness.data.faces.render import render, render_sized
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, HAIR_COLOURS, Attributes

# of the frozen drawing; a change here means that every trained network and every stored result is void
flip = Attributes(CELEBA14).target
STORED = (
    "cf470e9475cdfb5a09e511441c802adf946f60180504ea9b8a0fe2a649a42da1",
    "314c009515ef0531ef1478e4d4f8ab92d12b881ab6370deb2a37a03dec1da2a8",
    "0b26e43429d2f974bbc543dbed803d99b2d1106261991b7745cc89670ed0bcf4",
)
SEEDS = range(300, 308)


def level(identity: Identity) -> Identity:
    """The person looking straight into the camera: regions of the picture are regions of the face."""
    return dataclasses.replace(identity, tilt=0.0, shift_x=0.0, shift_y=0.0, zoom=1.0, face_length=1.0)


def masks(attribute: str) -> np.ndarray:
    """Changed pixels (n, 64, 64) of flips of one attribute."""
    found = []
    for seed in SEEDS:
        labels, who = sample_labels(seed, balance=True), level(sample_identity(seed))
        found.append(edit_mask(render(labels, who), render(flip(labels, attribute), who)))
    return np.stack(found)


@pytest.mark.parametrize("seed", range(3))
def test_the_bytes_are_the_stored_ones(seed: int) -> None:
    image = render(sample_labels(seed, seed % 2 == 0), sample_identity(seed), 64)
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    assert hashlib.sha256(image.tobytes()).hexdigest() == STORED[seed]


def test_the_same_face_twice_is_the_same_bytes() -> None:
    labels, who = sample_labels(11), sample_identity(11)
    assert (render(labels, who) == render(labels.copy(), dataclasses.replace(who))).all()


@pytest.mark.parametrize("attribute", CELEBA14)
def test_every_flip_shows_and_leaves_the_background(attribute: str) -> None:
    changed = masks(attribute)
    assert changed.any(axis=(1, 2)).all()
    assert changed.mean(axis=(1, 2)).max() < 0.6
    assert not changed[:, :6].any()  # above the hair
    assert not changed[:, :40, :7].any() and not changed[:, :40, -7:].any()  # beside the head


@pytest.mark.parametrize(
    ("attribute", "top", "bottom"),
    [
        ("Smiling", 36, 56),
        ("Mouth_Slightly_Open", 36, 56),
        ("Mustache", 34, 58),
        ("Goatee", 34, 60),
        ("No_Beard", 25, 60),
        ("Sideburns", 25, 60),
    ],
)
def test_a_flip_changes_its_own_region_only(attribute: str, top: int, bottom: int) -> None:
    changed = masks(attribute)
    assert not changed[:, :top].any() and not changed[:, bottom:].any()


@pytest.mark.parametrize("attribute", ["Bangs", "Receding_Hairline"])
def test_the_hairline_leaves_the_face_below_the_brows(attribute: str) -> None:
    assert not masks(attribute)[:, 34:48, 22:42].any()


@pytest.mark.parametrize("attribute", HAIR_COLOURS)
def test_hair_colour_leaves_the_middle_of_the_face(attribute: str) -> None:
    for seed in SEEDS:
        labels, who = sample_labels(seed, balance=True), level(sample_identity(seed))
        labels = flip(labels, "No_Beard") if not labels[CELEBA14.index("No_Beard")] else labels
        changed = edit_mask(render(labels, who), render(flip(labels, attribute), who))
        assert not changed[33:50, 26:38].any()


def test_style_is_copied_from_the_reference_and_nothing_else() -> None:
    here, there = sample_identity(1), sample_identity(2)
    copied = here.with_style("Mustache", there)
    for field in dataclasses.fields(Identity):
        source = there if field.name in STYLE_FIELDS["Mustache"] else here
        assert getattr(copied, field.name) == getattr(source, field.name)
    assert all(STYLE_FIELDS[name] for name in CELEBA14)


@pytest.mark.parametrize("attribute", CELEBA14)
def test_a_style_shows_where_its_attribute_is_drawn(attribute: str) -> None:
    off = attribute in ("Young", "No_Beard")  # wrinkles and stubble are drawn where these are off
    seen = []
    for seed in range(20, 26):
        labels = sample_labels(seed, balance=True)
        if bool(labels[CELEBA14.index(attribute)]) == off:
            labels = flip(labels, attribute)
        who = sample_identity(seed)
        seen.append(
            (render(labels, who) != render(labels, who.with_style(attribute, sample_identity(seed + 50)))).any()
        )
    assert any(seen)


def test_an_unknown_attribute_has_no_style() -> None:
    with pytest.raises(UserError, match="Did you mean 'Smiling'"):
        sample_identity(1).with_style("Smilling", sample_identity(2))


def test_a_taller_picture_holds_the_square_one_in_its_middle() -> None:
    labels, who = sample_labels(5), dataclasses.replace(sample_identity(5), grain_seed=0)
    tall, square = render_sized(labels, who, 178, 218), render(labels, who, 178)
    assert tall.shape == (218, 178, 3)
    difference = np.abs(tall[20:198].astype(int) - square.astype(int))
    assert difference.mean() < 2.5  # the grain differs, the drawing does not


def test_edit_mask_ignores_what_nobody_sees() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    other = image.copy()
    other[0, 0, 1] = 102
    other[1, 1, 2] = 97
    mask = edit_mask(image, other)
    assert mask[1, 1] and mask.sum() == 1
