"""Palettes of the drawing: skin, hair, eyes, clothes and backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

from bridgebench.harness.data.drawn.colours import Colour, blend, luminance, ramp, text
from bridgebench.harness.data.faces.identity import Identity

_SKINS: tuple[Colour, ...] = (
    (247, 217, 194), (240, 202, 172), (230, 184, 148), (212, 162, 122), (182, 130, 95), (146, 100, 74),
)  # fmt: skip
# each: shade 0 and shade 1 of the hair's body
_HAIR: dict[str, tuple[Colour, Colour]] = {
    "Black_Hair": ((24, 23, 30), (42, 40, 50)),
    "Blond_Hair": ((222, 176, 92), (240, 208, 132)),
    "Brown_Hair": ((84, 54, 36), (122, 82, 52)),
    "Gray_Hair": ((158, 162, 170), (206, 208, 212)),
    "": ((130, 40, 32), (196, 88, 42)),
}
_EYES: tuple[Colour, ...] = (
    (92, 58, 36), (120, 82, 44), (72, 122, 168), (96, 142, 160), (92, 128, 78), (64, 44, 34),
)  # fmt: skip
_CLOTHES: tuple[Colour, ...] = (
    (62, 84, 112), (168, 84, 72), (86, 116, 100), (226, 220, 208), (58, 58, 66), (196, 152, 92),
    (118, 92, 124), (120, 150, 168), (206, 150, 140), (96, 76, 66), (148, 156, 128), (38, 70, 84),
)  # fmt: skip
_BACKGROUNDS: tuple[Colour, ...] = (
    (206, 214, 216), (198, 206, 190), (222, 206, 188), (190, 200, 216), (214, 198, 204), (178, 190, 186),
    (228, 220, 204), (168, 178, 192), (204, 188, 170), (150, 166, 164), (186, 178, 196), (160, 150, 144),
)  # fmt: skip


@dataclass(frozen=True)
class Tones:
    """A body colour with its shades, as #rrggbb."""

    base: str
    light: str
    dark: str
    deep: str


def skin_colour(who: Identity) -> Colour:
    """The skin's body colour, tinted by the warmth of the light."""
    r, g, b = ramp(_SKINS, who.skin**1.25)
    return (r + 3 * who.warmth, g + 3 * who.skin_hue, b - 5 * who.skin_hue - 5 * who.warmth)


def skin_tones(skin: Colour) -> Tones:
    return Tones(
        base=text(skin),
        light=text(blend(skin, (255, 240, 220), 0.34)),
        dark=text(blend(skin, (132, 58, 40), 0.34)),
        deep=text(blend(skin, (72, 26, 20), 0.62)),
    )


def hair_colour(name: str, who: Identity) -> Colour:
    """The hair's body colour; `name` is one of the four hair labels, or empty for none of them."""
    shades = {
        "Black_Hair": who.black_shade,
        "Blond_Hair": who.blond_shade,
        "Brown_Hair": who.brown_shade,
        "Gray_Hair": who.gray_shade,
        "": who.other_shade,
    }
    return blend(*_HAIR[name], shades[name])


def hair_tones(hair: Colour) -> Tones:
    shine: Colour = (150, 165, 200) if luminance(hair) < 55 else (255, 236, 206)
    if max(hair) - min(hair) < 16 and luminance(hair) > 120:
        shine = (250, 252, 255)
    return Tones(
        base=text(hair),
        light=text(blend(hair, shine, 0.34)),
        dark=text(blend(hair, (24, 10, 8), 0.34)),
        deep=text(blend(hair, (16, 8, 8), 0.6)),
    )


def beard_colour(hair: Colour, skin: Colour) -> Colour:
    """The hair's colour, made darker until a beard stands out from the skin."""
    grey = max(hair) - min(hair) < 16 and luminance(hair) > 120
    limit = 0.42 * luminance(skin)
    dark = blend(hair, (52, 54, 62) if grey else (78, 36, 12), 0.15 if luminance(hair) < 60 else 0.5)
    return blend(dark, (30, 20, 16), max(0.0, 1 - limit / luminance(dark)))


def eye_colour(who: Identity) -> Colour:
    return _EYES[who.eye_colour]


def clothes_colour(who: Identity) -> Colour:
    return _CLOTHES[who.clothes]


def background_colours(who: Identity) -> tuple[str, str, str]:
    """Top, bottom and shape colour of the background."""
    base = _BACKGROUNDS[who.background]
    base = blend(base, (255, 255, 255) if who.background_tone > 0 else (70, 76, 84), abs(who.background_tone) * 0.3)
    glow: Colour = (255, 240, 212) if who.warmth > 0 else (226, 238, 255)
    top = blend(base, glow, 0.2 + 0.25 * abs(who.warmth))
    return text(top), text(blend(base, (60, 60, 74), 0.22)), text(base)
