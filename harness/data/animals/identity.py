"""Who is drawn: the scene that all three domains share, and how the animal looks as a cat, a dog and a wild one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from bridgebench.harness.data.drawn.fields import between, one_of, sample
from bridgebench.methods.core.labels import DOMAINS


@dataclass(frozen=True)
class Scene:
    """What stays when an animal is converted: pose, expression, light and surroundings.

    Numbers between 0 and 1 (or -1 and 1) are positions on a scale that the drawing code turns into lengths and
    colours; angles are degrees; shifts are in units of the 256 x 256 canvas.
    """

    shift_x: float = between(-11, 11)
    shift_y: float = between(-2, 11)
    zoom: float = between(1.03, 1.16)
    tilt: float = between(-9, 9)
    yaw: float = between(-1, 1)
    mouth: float = between(0, 1)  # open in the upper part of the scale
    gaze_x: float = between(-1, 1)
    gaze_y: float = between(-1, 1)
    lids: float = between(0, 1)
    pupils: float = between(0, 1)
    light_side: int = one_of(2)
    light: float = between(0, 1)
    warmth: float = between(-1, 1)
    background: int = one_of(12)
    background_tone: float = between(-1, 1)
    blur_seed: int = one_of(2**31)
    grain_seed: int = one_of(2**31)


@dataclass(frozen=True)
class Look:
    """How an animal looks in one domain: breed, coat and proportions; what a reference edit copies."""

    breed: float = between(0, 1)
    coat: float = between(0, 1)
    shade: float = between(0, 1)
    pattern: float = between(0, 1)
    white: float = between(0, 1)
    side: int = one_of(2)
    eye_colour: float = between(0, 1)
    eye_size: float = between(0.93, 1.09)
    ear_size: float = between(0.92, 1.08)
    ear_turn: float = between(-5, 5)
    width: float = between(0.95, 1.05)
    length: float = between(0.97, 1.03)
    fur_seed: int = one_of(2**31)


@dataclass(frozen=True)
class Identity:
    """One animal: a scene, and a look for each domain, so that every conversion has a true image."""

    scene: Scene
    cat: Look
    dog: Look
    wild: Look

    def look(self, domain: str) -> Look:
        """The look in a domain, one of `DOMAINS`."""
        looks = {"cat": self.cat, "dog": self.dog, "wild": self.wild}
        return looks[domain]

    def with_look(self, domain: str, other: Identity) -> Identity:
        """A copy that looks as `other` does in `domain`; the scene stays."""
        return dataclasses.replace(self, **{domain: other.look(domain)})  # type: ignore[arg-type]


def sample_identity(seed: int) -> Identity:
    """The identity of a seed; scene and looks come from streams of their own."""

    def stream(k: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 3, k])))

    looks = {domain: sample(Look, stream(k + 1)) for k, domain in enumerate(DOMAINS)}
    return Identity(scene=sample(Scene, stream(0)), **looks)
