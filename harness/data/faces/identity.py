"""All of a drawn face that is not a label: who it is, pose, light, background, and the style of each attribute."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from bridgebench.harness.data.drawn.fields import between, one_of, sample
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.labels import CELEBA14, WORN

# From here on a face has glasses, and earrings: 9 and 14 of a hundred.
_GLASSES_FROM, _EARRINGS_FROM = 0.91, 0.86


@dataclasses.dataclass(frozen=True)
class Identity:
    """Nuisance parameters of one face, drawn from its seed and independent of its labels.

    Numbers between 0 and 1 (or -1 and 1) are positions on a scale that the drawing code turns into lengths and
    colours; angles are degrees; shifts are in units of the 256 x 256 canvas.
    """

    # pose
    shift_x: float = between(-7, 7)
    shift_y: float = between(-5, 6)
    zoom: float = between(0.97, 1.07)
    tilt: float = between(-5.5, 5.5)
    yaw: float = between(-1, 1)
    # light and surroundings
    light_side: int = one_of(2)
    light: float = between(0, 1)
    warmth: float = between(-1, 1)
    background: int = one_of(12)
    background_kind: int = one_of(4)
    background_tone: float = between(-1, 1)
    clothes: int = one_of(12)
    collar: int = one_of(4)
    # face: who it is (of="person"), whatever the pose, the light and the labels
    skin: float = between(0, 1, of="person")
    skin_hue: float = between(-1, 1, of="person")
    blush: float = between(0, 1)
    face_width: float = between(0.95, 1.05, of="person")
    face_length: float = between(0.97, 1.04, of="person")
    jaw: float = between(0, 1, of="person")
    ears: float = between(0, 1, of="person")
    eye_colour: int = one_of(6, of="person")
    eye_size: float = between(0.92, 1.1, of="person")
    eye_gap: float = between(-1.5, 2.0, of="person")
    eye_slant: float = between(-1.2, 1.6, of="person")
    lid: float = between(0, 1, of="person")
    brow_height: float = between(-2, 2, of="person")
    brow_arch: float = between(0, 1, of="person")
    nose_width: float = between(0.85, 1.2, of="person")
    nose_length: float = between(-3, 3, of="person")
    lips: float = between(0, 1, of="person")
    lip_colour: float = between(0, 1, of="person")
    freckles: float = between(0, 1, of="person")
    glasses: float = between(0, 1, of="person")
    glasses_kind: int = one_of(3, style="Eyeglasses")
    earrings: float = between(0, 1)
    # hair that no label names
    hair_volume: float = between(0, 1)
    hair_wave: float = between(0, 1)
    parting: float = between(-1, 1)
    strands_seed: int = one_of(2**31)
    grain_seed: int = one_of(2**31)
    # style: how each attribute looks where it is on (or, for a few, off)
    age: float = between(0, 1, style="Young")
    wrinkles: int = one_of(3, style="Young")
    opening: float = between(0, 1, style="Mouth_Slightly_Open")
    smile: float = between(0, 1, style="Smiling")
    smile_width: float = between(0, 1, style="Smiling")
    black_shade: float = between(0, 1, style="Black_Hair")
    blond_shade: float = between(0, 1, style="Blond_Hair")
    brown_shade: float = between(0, 1, style="Brown_Hair")
    gray_shade: float = between(0, 1, style="Gray_Hair")
    recession: float = between(0, 1, style="Receding_Hairline")
    recession_peak: float = between(0, 1, style="Receding_Hairline")
    fringe: int = one_of(4, style="Bangs")
    fringe_length: float = between(0, 1, style="Bangs")
    fringe_side: int = one_of(2, style="Bangs")
    hair_length: int = one_of(3, style="Male")
    male_brow: float = between(0, 1, style="Male")
    stubble: float = between(0, 1, style="No_Beard")
    mustache: int = one_of(4, style="Mustache")
    mustache_size: float = between(0, 1, style="Mustache")
    goatee: int = one_of(3, style="Goatee")
    goatee_size: float = between(0, 1, style="Goatee")
    sideburns: int = one_of(3, style="Sideburns")
    sideburns_size: float = between(0, 1, style="Sideburns")
    # the colour of a face with none of the four named hair colours: no attribute's style, it belongs to the person
    other_shade: float = between(0, 1)

    def with_style(self, attribute: str, other: Identity) -> Identity:
        """A copy with the style of `attribute` (see `STYLE_FIELDS`) taken from `other`; the rest stays.

        Raises UserError for a name that is none of `CELEBA14` and `WORN`.
        """
        if attribute not in STYLE_FIELDS:
            raise UserError(f"'{attribute}' is no attribute of drawn faces.{did_you_mean(attribute, STYLE_FIELDS)}")
        return dataclasses.replace(self, **{name: getattr(other, name) for name in STYLE_FIELDS[attribute]})

    @property
    def worn(self) -> tuple[bool, ...]:
        """Which of `WORN` the face has."""
        return self.glasses > _GLASSES_FROM, self.earrings > _EARRINGS_FROM

    def wearing(self, glasses: bool, earrings: bool) -> Identity:
        """A copy that wears glasses and earrings as said; what is so already stays as it is."""
        now = self.worn
        changes: dict[str, Any] = {}
        if glasses != now[0]:
            changes["glasses"] = float(glasses)
        if earrings != now[1]:
            changes["earrings"] = float(earrings)
        return dataclasses.replace(self, **changes) if changes else self


STYLE_FIELDS: dict[str, tuple[str, ...]] = {
    attribute: tuple(f.name for f in dataclasses.fields(Identity) if f.metadata.get("style") == attribute)
    for attribute in (*CELEBA14, *WORN)
}


def sample_identity(seed: int) -> Identity:
    """The identity of a seed: every field drawn on its own, in the order of the class."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 2])))
    return sample(Identity, rng)
