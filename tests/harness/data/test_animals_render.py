"""The drawing of animals: the same bytes everywhere; the scene and the look of a domain are what they say they are."""

import dataclasses
import hashlib

import numpy as np
import pytest

from bridgebench.harness.data.animals.drawing import render_svg
from bridgebench.harness.data.animals.head import BREEDS, head_of
from bridgebench.harness.data.animals.identity import Identity, sample_identity
from bridgebench.harness.data.animals.markings import MARKS
from bridgebench.harness.data.animals.render import render
from bridgebench.methods.core.labels import DOMAINS

# of the frozen drawing; a change here means that every trained network and every stored result is void
STORED = {
    ("cat", 0): "eb9f966a049d4dde78a5dd000e82184d2e2f431f4c24ddf694cc9990339a13cf",
    ("dog", 1): "2bc1a591713a50802ecbe0f46dde7cbcae60d609a39a9f1652bada14a41ba405",
    ("wild", 7): "40220334250bd1afa33429fe35c92b83a75e04c703b24a0b6eea866b8984d651",
}


def with_scene(who: Identity, **changes: float) -> Identity:
    return dataclasses.replace(who, scene=dataclasses.replace(who.scene, **changes))


@pytest.mark.parametrize(("domain", "seed"), STORED)
def test_the_bytes_are_the_stored_ones(domain: str, seed: int) -> None:
    image = render(domain, sample_identity(seed), 64)
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    assert hashlib.sha256(image.tobytes()).hexdigest() == STORED[domain, seed]


def test_the_same_animal_twice_is_the_same_bytes() -> None:
    who = sample_identity(5)
    assert (render("wild", who) == render("wild", dataclasses.replace(who))).all()


def test_a_conversion_keeps_the_background_and_changes_the_animal() -> None:
    for seed in range(6):
        who = sample_identity(seed)
        cat, dog, wild = (render(domain, with_scene(who, zoom=0.8)).astype(int) for domain in DOMAINS)
        for other in (dog, wild):
            assert (cat[:8, :4] == other[:8, :4]).all() and (cat[:8, -4:] == other[:8, -4:]).all()
            assert (np.abs(cat - other)[16:56, 16:48].max(axis=-1) > 10).mean() > 0.3


@pytest.mark.parametrize("domain", DOMAINS)
def test_only_the_look_of_the_drawn_domain_shows(domain: str) -> None:
    here, there = sample_identity(1), sample_identity(2)
    own = render(domain, here)
    others = [name for name in DOMAINS if name != domain]
    changed = here.with_look(others[0], there).with_look(others[1], there)
    assert (render(domain, changed) == own).all()
    assert (render(domain, here.with_look(domain, there)) != own).mean() > 0.2


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize(
    "changes", [{"shift_x": 9.0}, {"tilt": 8.0}, {"mouth": 1.0}, {"gaze_x": 1.0}, {"light": 1.0}, {"background": 0}]
)
def test_every_part_of_the_scene_shows_in_every_domain(domain: str, changes: dict[str, float]) -> None:
    still = with_scene(sample_identity(3), shift_x=-9.0, tilt=-8.0, mouth=0.1, gaze_x=-1.0, light=0.0, background=5)
    assert (render(domain, with_scene(still, **changes)) != render(domain, still)).any()


def test_an_open_mouth_changes_the_mouth_only() -> None:
    for domain in DOMAINS:
        shut = with_scene(sample_identity(4), mouth=0.2, tilt=0.0, shift_x=0.0, shift_y=0.0, zoom=1.0)
        changed = (render(domain, shut) != render(domain, with_scene(shut, mouth=1.0))).any(axis=-1)
        assert changed.any() and not changed[:40].any() and not changed[:, :20].any() and not changed[:, 44:].any()


def test_every_coat_of_every_breed_is_drawn() -> None:
    who = sample_identity(0)
    for domain, breeds in BREEDS.items():
        kinds = [breed for breed in breeds for _ in range(breed.weight)]
        seen = set()
        for k, breed in enumerate(kinds):
            for n in range(len(breed.coats)):
                look = dataclasses.replace(
                    who.look(domain), breed=(k + 0.5) / len(kinds), coat=(n + 0.5) / len(breed.coats)
                )
                head = head_of(domain, look)
                assert head.breed is breed and head.coat is breed.coats[n]
                if head.breed.name not in seen:  # one drawing a breed is enough to see that nothing is missing
                    changed = dataclasses.replace(who, **{domain: look})
                    assert render_svg(domain, changed, 64).rstrip().endswith("</svg>")
                assert set(head.coat.marks) <= set(MARKS)
                seen.add(head.breed.name)
        assert seen == {breed.name for breed in breeds}


def test_identities_are_spread_over_the_breeds() -> None:
    for domain, breeds in BREEDS.items():
        names = [head_of(domain, sample_identity(seed).look(domain)).breed.name for seed in range(400)]
        expected = {breed.name: breed.weight / sum(b.weight for b in breeds) for breed in breeds}
        for name, share in expected.items():
            assert abs(names.count(name) / len(names) - share) < 0.07
