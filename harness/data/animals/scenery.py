"""What is around the head: a background out of focus, shoulders, ruff and mane."""

from __future__ import annotations

import math
from typing import Any

from bridgebench.harness.data.animals.fur import Mark, Soft, dense, furry, whole
from bridgebench.harness.data.animals.head import Head
from bridgebench.harness.data.animals.identity import Scene
from bridgebench.harness.data.drawn.colours import Colour, blend, text
from bridgebench.harness.data.drawn.fields import Rows, random_rows
from bridgebench.harness.data.drawn.geometry import Curve, mix

# top, bottom, and what glows through: meadow, wood, dusk, stone, earth, snow, room, hay ...
_PLACES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((104, 126, 84), (74, 98, 62), (148, 162, 110)),
    ((52, 66, 52), (34, 44, 38), (98, 112, 78)),
    ((140, 152, 132), (96, 112, 88), (180, 186, 158)),
    ((128, 130, 130), (92, 94, 96), (164, 164, 160)),
    ((116, 98, 80), (78, 64, 52), (156, 136, 108)),
    ((196, 204, 212), (168, 178, 188), (224, 228, 230)),
    ((186, 172, 154), (142, 126, 110), (212, 200, 182)),
    ((158, 142, 100), (122, 106, 72), (190, 174, 126)),
    ((112, 132, 150), (76, 94, 108), (154, 170, 182)),
    ((82, 76, 74), (54, 50, 50), (116, 106, 98)),
    ((150, 134, 128), (104, 92, 90), (184, 166, 154)),
    ((92, 116, 108), (60, 82, 78), (134, 154, 138)),
)


def background(scene: Scene) -> dict[str, Any]:
    """Colours of the background, and its blurred spots in canvas units."""
    top, bottom, glow = _PLACES[scene.background]
    tone = scene.background_tone
    tint: Colour = (236, 232, 220) if tone > 0 else (24, 26, 28)
    top, bottom, glow = (blend(c, tint, abs(tone) * 0.22) for c in (top, bottom, glow))
    spots: list[Mark] = []
    for k, (a, b, c, d) in enumerate(random_rows(scene.blur_seed, 4)):
        colour = glow if k % 2 else bottom
        spots.append(
            Soft(mix(-10, 266, a), mix(-20, 150, b), mix(30, 64, c), mix(30, 60, c), text(colour), mix(0.35, 0.8, d))
        )
    return {"top": text(top), "bottom": text(bottom), "spots": spots}


def body(h: Head) -> dict[str, Any]:
    """Shoulders and chest."""
    fur = h.breed.fur
    neck = h.edge(170) * 0.86
    half: Curve = [(0, 176), (neck, 182), (neck + 12, 212), (neck + 30, 244), (neck + 46, 300), (0, 310)]
    chest: Curve = [(0, 190), (neck * 0.6, 194), (neck * 0.72, 222), (neck * 0.5, 256), (22, 300), (0, 306)]
    return {
        "shape": furry(whole(half), h.rows[300:], fur * 0.9 + 3, 13, 0.9),
        "chest": furry(whole(chest), h.rows[320:], fur + 2, 12, 1.0),
    }


def _around(h: Head, rise: float, side: float, drop: float) -> Curve:
    """A ring around the head, farther out by `side` at the cheeks, `rise` at the crown, `drop` at the chin."""
    top, chin = h.breed.head[0][1], h.chin
    ring = []
    for x, y in dense(whole(h.breed.head), 22):
        low = (y - top) / (chin - top)
        far = side * (1 - abs(2 * low - 1.15) ** 2 * 0.55)
        ring.append((x + far * (1 if x > 0 else -1) * min(abs(x) / 40, 1), y + mix(-rise, drop, low)))
    return ring


def ruff(h: Head) -> dict[str, str] | None:
    """Long hair that stands out behind the cheeks."""
    if not h.breed.ruff:
        return None
    much = h.breed.ruff
    outer = _around(h, -26, 12 * much, 10 * much)
    return {
        "outer": furry(outer, h.rows[340:], 10 + 8 * much, 9, 0.7),
        "inner": furry(_around(h, -20, 5 * much, 6 * much), h.rows[360:], 8 + 6 * much, 9, 0.7),
    }


def mane(h: Head) -> dict[str, Any] | None:
    """A lion's mane: layers of long hair from the outermost to the one at the face, and strands over them."""
    if not h.breed.mane:
        return None
    full = mix(0.85, 1.1, h.look.white)
    dark = mix(0.1, 0.85, h.look.pattern)
    brown = blend((156, 98, 48), (56, 34, 24), dark)
    gold = blend(h.base, brown, 0.2 + 0.5 * dark)
    layers = []
    steps = ((44, 50, 56, 30), (34, 40, 42, 28), (22, 27, 26, 24), (10, 14, 12, 18))
    for k, (rise, side, drop, length) in enumerate(steps):
        ring = _around(h, rise * full - 12, side * full - 6, drop * full)
        layers.append(
            {"path": furry(ring, h.rows[60 * k + 17 :], length, 13, 0.45), "colour": text(blend(brown, gold, k / 3))}
        )
    return {
        "layers": layers,
        "dark": _strands(h, h.rows[:70], full),
        "light": _strands(h, h.rows[70:150], full),
        "dark_colour": text(blend(brown, (30, 18, 14), 0.5)),
        "light_colour": text(blend(gold, (255, 226, 170), 0.3)),
    }


def _strands(h: Head, rows: Rows, full: float) -> str:
    """Hairs of the mane from the face outwards, bending down."""
    parts = []
    for a, b, c, d in rows:
        angle = 2 * math.pi * a
        across, up = math.cos(angle), math.sin(angle)
        start = mix(0.95, 1.45, b) * full
        x, y = across * 66 * start, 140 + up * 74 * start
        reach = mix(16, 30, c)
        parts.append(
            f"M{x:.1f} {y:.1f}q{across * reach * 0.6:.1f} {up * reach * 0.5 + (d - 0.6) * 7:.1f} "
            f"{across * reach:.1f} {up * reach * 0.9 + 0.45 * reach:.1f}"
        )
    return "".join(parts)
