"""All of a drawn face that is not a label: who it is, pose, light, background, and the style of each attribute."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from methods.attributes import CELEBA14
from methods.errors import UserError, did_you_mean


def _between(low: float, high: float, style: str = "") -> Any:
    """A number drawn evenly from [low, high]; `style` names the attribute whose look it decides."""
    return dataclasses.field(metadata={"low": low, "high": high, "style": style})


def _one_of(count: int, style: str = "") -> Any:
    """A whole number drawn evenly from 0 to count - 1."""
    return dataclasses.field(metadata={"count": count, "style": style})


@dataclasses.dataclass(frozen=True)
class Identity:
    """Nuisance parameters of one face, drawn from its seed and independent of its labels.

    Numbers between 0 and 1 (or -1 and 1) are positions on a scale that the drawing code turns into lengths and
    colours; angles are degrees; shifts are in units of the 256 x 256 canvas.
    """

    # pose
    shift_x: float = _between(-7, 7)
    shift_y: float = _between(-5, 6)
    zoom: float = _between(0.97, 1.07)
    tilt: float = _between(-5.5, 5.5)
    yaw: float = _between(-1, 1)
    # light and surroundings
    light_side: int = _one_of(2)
    light: float = _between(0, 1)
    warmth: float = _between(-1, 1)
    background: int = _one_of(12)
    background_kind: int = _one_of(4)
    background_tone: float = _between(-1, 1)
    clothes: int = _one_of(12)
    collar: int = _one_of(4)
    # face
    skin: float = _between(0, 1)
    skin_hue: float = _between(-1, 1)
    blush: float = _between(0, 1)
    face_width: float = _between(0.95, 1.05)
    face_length: float = _between(0.97, 1.04)
    jaw: float = _between(0, 1)
    ears: float = _between(0, 1)
    eye_colour: int = _one_of(6)
    eye_size: float = _between(0.92, 1.1)
    eye_gap: float = _between(-1.5, 2.0)
    eye_slant: float = _between(-1.2, 1.6)
    lid: float = _between(0, 1)
    brow_height: float = _between(-2, 2)
    brow_arch: float = _between(0, 1)
    nose_width: float = _between(0.85, 1.2)
    nose_length: float = _between(-3, 3)
    lips: float = _between(0, 1)
    lip_colour: float = _between(0, 1)
    freckles: float = _between(0, 1)
    glasses: float = _between(0, 1)
    glasses_kind: int = _one_of(3)
    earrings: float = _between(0, 1)
    # hair that no label names
    hair_volume: float = _between(0, 1)
    hair_wave: float = _between(0, 1)
    parting: float = _between(-1, 1)
    strands_seed: int = _one_of(2**31)
    grain_seed: int = _one_of(2**31)
    # style: how each attribute looks where it is on (or, for a few, off)
    age: float = _between(0, 1, "Young")
    wrinkles: int = _one_of(3, "Young")
    opening: float = _between(0, 1, "Mouth_Slightly_Open")
    smile: float = _between(0, 1, "Smiling")
    smile_width: float = _between(0, 1, "Smiling")
    black_shade: float = _between(0, 1, "Black_Hair")
    blond_shade: float = _between(0, 1, "Blond_Hair")
    brown_shade: float = _between(0, 1, "Brown_Hair")
    gray_shade: float = _between(0, 1, "Gray_Hair")
    recession: float = _between(0, 1, "Receding_Hairline")
    recession_peak: float = _between(0, 1, "Receding_Hairline")
    fringe: int = _one_of(4, "Bangs")
    fringe_length: float = _between(0, 1, "Bangs")
    fringe_side: int = _one_of(2, "Bangs")
    hair_length: int = _one_of(3, "Male")
    male_brow: float = _between(0, 1, "Male")
    stubble: float = _between(0, 1, "No_Beard")
    mustache: int = _one_of(4, "Mustache")
    mustache_size: float = _between(0, 1, "Mustache")
    goatee: int = _one_of(3, "Goatee")
    goatee_size: float = _between(0, 1, "Goatee")
    sideburns: int = _one_of(3, "Sideburns")
    sideburns_size: float = _between(0, 1, "Sideburns")
    # the colour of a face with none of the four named hair colours: no attribute's style, it belongs to the person
    other_shade: float = _between(0, 1)

    def with_style(self, attribute: str, other: Identity) -> Identity:
        """A copy with the style of `attribute` (see `STYLE_FIELDS`) taken from `other`; the rest stays.

        Raises UserError for a name that is not one of `CELEBA14`.
        """
        if attribute not in STYLE_FIELDS:
            raise UserError(f"'{attribute}' is not one of the 14 attributes.{did_you_mean(attribute, STYLE_FIELDS)}")
        return dataclasses.replace(self, **{name: getattr(other, name) for name in STYLE_FIELDS[attribute]})


STYLE_FIELDS: dict[str, tuple[str, ...]] = {
    attribute: tuple(f.name for f in dataclasses.fields(Identity) if f.metadata["style"] == attribute)
    for attribute in CELEBA14
}


def sample_identity(seed: int) -> Identity:
    """The identity of a seed: every field drawn on its own, in the order of the class."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 2])))
    values: dict[str, float | int] = {}
    for field in dataclasses.fields(Identity):
        place = float(rng.random())
        if "count" in field.metadata:
            values[field.name] = int(place * field.metadata["count"])
        else:
            low, high = field.metadata["low"], field.metadata["high"]
            values[field.name] = round(low + (high - low) * place, 4)
    return Identity(**values)  # type: ignore[arg-type]
