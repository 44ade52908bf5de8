"""From labels and identity to the SVG of a face."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridgebench.harness.data.drawn import colours as mixing
from bridgebench.harness.data.drawn.fields import random_rows
from bridgebench.harness.data.drawn.geometry import mix
from bridgebench.harness.data.faces import beard, colours, features, head
from bridgebench.harness.data.faces.hair import hair
from bridgebench.harness.data.faces.identity import Identity
from bridgebench.methods.core.labels import CELEBA14, HAIR_COLOURS
from bridgebench.templates import environment

DRAWING_VERSION = 1
"""Counted up with every change of a pixel: it is part of the key of cached images and of a set's digest."""

CANVAS = 256
YAW = 5.0


def render_svg(labels: np.ndarray, who: Identity, width: int = CANVAS, height: int = CANVAS) -> str:
    """The drawing of `who` with labels (14,) of 0 and 1, as an SVG of `width` x `height` pixels.

    The canvas of 256 x 256 units always fills the width. The scene goes on for some 40 units above and below it: a
    picture higher than wide shows more of it there, with the canvas in the middle.
    """
    tall = CANVAS * height / width
    view = f"0 {(CANVAS - tall) / 2:.3f} {CANVAS} {tall:.3f}"
    template = environment().get_template("face.svg.j2")
    return template.render(view=view, width=width, height=height, **scene(labels, who))


def scene(labels: np.ndarray, who: Identity) -> dict[str, Any]:
    """Everything that the template needs: paths, colours and strengths."""
    on = {name: bool(value) for name, value in zip(CELEBA14, labels, strict=True)}
    male, old = on["Male"], not on["Young"]
    glasses, earrings = who.worn
    colour_name = next((name for name in HAIR_COLOURS if on[name]), "")
    skin = colours.skin_colour(who)
    hair_colour = colours.hair_colour(colour_name, who)
    light = 1 if who.light_side else -1
    random = random_rows(who.strands_seed, 150)
    lips = features.mouth(who, male, on["Smiling"], on["Mouth_Slightly_Open"], old)
    return {
        **_surroundings(who, light),
        "pose": _pose(who),
        "male": male,
        "light": light,
        "skin": colours.skin_tones(skin),
        "hair_tones": colours.hair_tones(hair_colour),
        "brow_colour": mixing.text(mixing.blend(colours.beard_colour(hair_colour, skin), hair_colour, 0.25)),
        "beard_tones": colours.hair_tones(colours.beard_colour(hair_colour, skin)),
        "sideburn_colour": mixing.text(mixing.blend(colours.beard_colour(hair_colour, skin), hair_colour, 0.2)),
        "eye": mixing.text(colours.eye_colour(who)),
        "eye_dark": mixing.text(mixing.blend(colours.eye_colour(who), (10, 8, 12), 0.55)),
        "lip": _lip_colours(who, skin, male),
        "blush": mix(0.10, 0.24, who.blush) * (0.55 if male else 1.0) * (0.6 if old else 1.0),
        "face": head.face(who, male),
        "ears": head.ears(who),
        "neck": head.neck(male),
        "neck_shadow": head.neck_shadow(male),
        "shoulders": head.shoulders(male),
        "collar": head.collar(who, male),
        "age": head.age_marks(who) if old else None,
        "age_strength": mix(0.8, 1.0, who.age),
        "freckles": head.freckles([(a, b) for a, b, _, _ in random[130:150]]) if who.freckles > 0.85 else [],
        "eyes": features.eyes(who, male),
        "brows": features.brows(who, male),
        "nose": features.nose(who, light),
        "mouth": lips,
        "hair": hair(who, male, on["Receding_Hairline"], on["Bangs"], random[:52]),
        "short_beard": None if on["No_Beard"] else beard.short_beard(who, male, random[52:130]),
        "stubble_strength": mix(0.36, 0.5, who.stubble),
        "mustache": beard.mustache(who, lips) if on["Mustache"] else None,
        "goatee": beard.goatee(who, male, lips, random[60:]) if on["Goatee"] else None,
        "sideburns": beard.sideburns(who, male, random[80:]) if on["Sideburns"] else None,
        "glasses": who.glasses_kind if glasses else None,
        "earrings": earrings,
    }


def _pose(who: Identity) -> dict[str, Any]:
    wide, tall = who.zoom * who.face_width, who.zoom * who.face_length
    place = f"translate({128 + who.shift_x:.2f} {132 + who.shift_y:.2f})"
    yaw = who.yaw * YAW
    return {
        "head": f"{place}rotate({who.tilt:.2f} 0 70)scale({wide:.4f} {tall:.4f})translate(0 -132)",
        "body": f"{place}scale({who.zoom:.4f} {tall:.4f})translate({who.tilt * -0.1:.2f} -132)",
        "ears": f"{-0.6 * yaw:.2f}",
        "eyes": f"{yaw:.2f}",
        "nose": f"{1.5 * yaw:.2f}",
        "mouth": f"{1.1 * yaw:.2f}",
        "chin": f"{0.7 * yaw:.2f}",
    }


def _surroundings(who: Identity, light: int) -> dict[str, Any]:
    top, bottom, shape = colours.background_colours(who)
    cloth = colours.clothes_colour(who)
    return {
        "back_top": top,
        "back_bottom": bottom,
        "back_shape": shape,
        "back_kind": who.background_kind,
        "cloth": mixing.text(cloth),
        "cloth_dark": mixing.text(mixing.blend(cloth, (20, 20, 30), 0.3)),
        "cloth_light": mixing.text(mixing.blend(cloth, (255, 250, 240), 0.2)),
        "shade_strength": mix(0.45, 0.8, who.light),
    }


def _lip_colours(who: Identity, skin: mixing.Colour, male: bool) -> dict[str, str]:
    """A woman wears lipstick; a man's lips are the skin's own."""
    own = mixing.blend(skin, (176, 74, 70), 0.52)
    lipstick = mixing.ramp(((196, 62, 74), (182, 44, 62), (206, 92, 92), (168, 58, 84)), who.lip_colour)
    base = own if male else mixing.blend(lipstick, skin, 0.12)
    return {
        "upper": mixing.text(mixing.blend(base, (60, 14, 20), 0.16)),
        "lower": mixing.text(base),
        "line": mixing.text(mixing.blend(base, (48, 12, 16), 0.68)),
        "shine": mixing.text(mixing.blend(base, (255, 240, 232), 0.5)),
    }
