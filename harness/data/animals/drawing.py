"""From an identity and a domain to the SVG of an animal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridgebench.harness.data.animals import features, scenery
from bridgebench.harness.data.animals.fur import Fill, Mark, Soft, coat_strokes, furry, whole
from bridgebench.harness.data.animals.head import Head, head_of
from bridgebench.harness.data.animals.identity import Identity, Scene
from bridgebench.harness.data.animals.markings import MARKS
from bridgebench.harness.data.drawn.colours import blend, luminance, text
from bridgebench.harness.data.drawn.geometry import blob, mirror, mix
from bridgebench.templates import environment

DRAWING_VERSION = 2
"""Counted up with every change of a pixel: it is part of the key of cached images and of a set's digest."""

CANVAS = 256
_YAW = 6.0


def render_svg(domain: str, who: Identity, size: int = CANVAS) -> str:
    """The drawing of `who` as a cat, dog or wild animal, as an SVG of `size` x `size` pixels."""
    template = environment().get_template("animal.svg.j2")
    return template.render(size=size, **picture(domain, who))


def picture(domain: str, who: Identity) -> dict[str, Any]:
    """Everything that the template needs: paths, colours and strengths."""
    scene, h = who.scene, head_of(domain, who.look(domain))
    back = scenery.background(scene)
    marks = [mark for name in h.coat.marks for mark in MARKS[name](h)]
    shading = _shading(h)
    centre = (0.0, h.breed.nose[0] - 8)
    return {
        "back": back,
        "pose": _pose(scene, h),
        "light": 1 if scene.light_side else -1,
        "shade": mix(0.3, 0.62, scene.light),
        "warm": "#ffc47a" if scene.warmth > 0 else "#86b4ff",
        "warmth": abs(scene.warmth) * 0.09,
        "head": furry(whole(h.breed.head), h.rows, _tuft_length(h), 9.0),
        "tones": _tones(h),
        "body": scenery.body(h),
        "ruff": scenery.ruff(h),
        "mane": scenery.mane(h),
        "ears": features.ears(h),
        "ears_front": h.breed.ear.front,
        "marks": marks,
        "shading": shading,
        "soft_colours": sorted({m.colour for m in (*back["spots"], *marks, *shading) if isinstance(m, Soft)}),
        "dark_hair": coat_strokes(h.rows[:105], centre, h.edge(150) + 4, 84, 11 + h.breed.fur * 0.4, centre[1] - 26),
        "light_hair": coat_strokes(
            h.rows[130:235], centre, h.edge(150) + 4, 84, 11 + h.breed.fur * 0.4, centre[1] - 26
        ),
        "body_hair": coat_strokes(h.rows[260:310], (0.0, 150.0), h.edge(170) * 0.86, 34, 13, 246.0),
        "eyes": features.eyes(h, scene),
        "nose": features.nose(h),
        "mouth": features.mouth(h, scene),
        "whiskers": features.whiskers(h),
        "bridge": h.breed.bridge,
    }


def _tuft_length(h: Head) -> Callable[[float], float]:
    """Long hair on the cheeks, short on the crown and around the muzzle."""
    fur, short = h.breed.fur, min(h.breed.fur, 3.5)
    middle = h.eye[1] + 24

    def length(y: float) -> float:
        return mix(fur, short, min(abs(y - middle) / (62 if y < middle else 50), 1.0))

    return length


def _tones(h: Head) -> dict[str, str]:
    base, dark = h.base, (34, 24, 22)
    bright = luminance(base) > 200
    ear = h.coat.ears or base
    pink = 0.5 if h.breed.eye_kind == "cat" else 0.3
    return {
        "base": text(base),
        "light": text(blend(base, (255, 250, 240), 0.25)),
        "shadow": text(blend(base, dark, 0.3 if bright else 0.42)),
        "body": text(blend(base, dark, 0.16)),
        "body_low": text(blend(base, dark, 0.42)),
        "chest": text(blend(blend(h.coat.pale, base, 0.2), dark, 0.12)),
        "pale": text(blend(h.coat.pale, base, 0.25)),
        "pale_shade": text(blend(blend(h.coat.pale, base, 0.4), dark, 0.2)),
        "ear": text(ear),
        "ear_shade": text(blend(ear, dark, 0.35)),
        "hollow": text(blend(blend(ear, (214, 150, 140), pink), dark, 0.12)),
        "hollow_deep": text(blend(blend(ear, (120, 70, 66), pink), dark, 0.45)),
        "tuft": text(blend(h.coat.pale, base, 0.35)),
        "hair_dark": text(blend(base, (24, 16, 16), 0.6)),
        "hair_light": text(blend(base, (255, 248, 236), 0.6 if not bright else 0.9)),
        "deep": text(blend(h.coat.deep, (20, 14, 14), 0.4)),
    }


def _shading(h: Head) -> list[Mark]:
    """Where the head is hollow or stands out, whatever its coat: sockets, bridge, pads, cheeks."""
    x, y = h.eye
    ny, my = h.breed.nose[0], h.breed.mouth[0]
    dark, light = "#1c1210", "#fffaf0"
    out = h.breed.muzzle
    marks: list[Mark] = []
    for s in (-1, 1):
        marks += [
            Soft(s * (h.breed.bridge + 3), y + 10, 8, 26, dark, 0.18, s * 8),
            Soft(s * (h.breed.mouth[1] + 14), ny + 12, 14, 30, dark, 0.1 + 0.15 * out),
            Soft(s * h.breed.mouth[1] * 0.55, (ny + my) / 2 + 3, 16, 13, light, 0.3),
            Soft(s * x, y - 19, 22, 9, light, 0.16),
        ]
    if out:
        wide = h.breed.mouth[1]
        half = [(h.breed.bridge, ny - 14), (wide + 6, ny + 8), (wide + 5, my + 3), (wide * 0.6, my + 11)]
        marks.append(Fill(blob([(0, ny - 30), *half, (0, my + 13), *mirror(half)]), light, 0.13 * out))
        marks.append(Soft(0, my + 13, wide + 8, 9, dark, 0.3 * out))
    return [
        *marks,
        Soft(0, y + 4, h.breed.bridge * 0.8, 44, light, 0.16 + 0.1 * out),
        Soft(0, h.chin - 2, 46, 15, dark, 0.3),
    ]


def _pose(scene: Scene, h: Head) -> dict[str, str]:
    wide, tall = scene.zoom * h.look.width, scene.zoom * h.look.length
    place = f"translate({128 + scene.shift_x:.2f} {138 + scene.shift_y:.2f})"
    size = f"scale({wide:.4f} {tall:.4f})"
    yaw = scene.yaw * _YAW
    return {
        "head": f"{place}rotate({scene.tilt:.2f} 0 70){size}translate(0 -138)",
        "body": f"{place}rotate({scene.tilt * 0.3:.2f} 0 70){size}translate({scene.tilt * -0.5:.2f} -138)",
        "face": f"translate({yaw:.2f} 0)",
        "nose": f"translate({0.6 * yaw:.2f} 0)",
        "ears": f"translate({-0.4 * yaw:.2f} 0)",
    }
