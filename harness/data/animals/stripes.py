"""Markings of many small parts: a tabby's and a tiger's stripes, rosettes and spots."""

from __future__ import annotations

import math
from collections.abc import Callable

from bridgebench.harness.data.animals.fur import Fill, Mark, Soft, soft_pair, stripe
from bridgebench.harness.data.animals.head import Head
from bridgebench.harness.data.drawn.colours import text
from bridgebench.harness.data.drawn.geometry import Curve, blob, flip_side, mix


def _tabby(h: Head) -> list[Mark]:
    """The M on the brow, lines from the eyes, bands on the cheeks."""
    x, y = h.eye
    deep = text(h.coat.deep)
    strength = mix(0.55, 0.95, h.look.pattern)
    parts = [stripe([(0, 66), (0, 80), (0, y - 24)], 6.5, 0.8)]
    for s in (-1, 1):
        bands: list[tuple[Curve, float, float]] = [
            ([(9, 66), (9, 84), (12, 98), (10, y - 17)], 6.0, 0.7),
            ([(20, 68), (19, 84), (23, 97), (x - 8, y - 17)], 6.5, 0.7),
            ([(34, 74), (32, 90), (38, 104), (x + 9, y - 16)], 6.0, 0.7),
            ([(50, 84), (48, 98), (53, 112)], 5.5, 0.6),
            ([(x + 17, y - 2), (x + 30, y + 3), (h.edge(y + 12) + 4, y + 12)], 6.0, 0.5),
            ([(x + 9, y + 18), (x + 24, y + 24), (h.edge(y + 32) + 4, y + 30)], 6.0, 0.2),
            ([(x + 6, y + 34), (x + 18, y + 41), (h.edge(y + 48) + 6, y + 46)], 5.5, 0.2),
        ]
        parts += [stripe(flip_side(points, s), width, blunt) for points, width, blunt in bands]
    return [
        Soft(0, 84, 50, 28, deep, 0.25),
        *soft_pair(h.edge(y) - 6, y, 24, 40, h.coat.deep, 0.22),
        Fill("".join(parts), deep, strength),
    ]


def _tiger(h: Head) -> list[Mark]:
    """White brows, cheeks and muzzle under black stripes that run in from the edge."""
    x, y = h.eye
    ny, white, black = h.breed.nose[0], h.coat.pale, text(h.coat.deep)
    marks: list[Mark] = []
    for s in (-1, 1):
        cheek = [
            (x + 14, y + 4),
            (x + 32, y + 6),
            (h.edge(y + 20) + 8, y + 16),
            (h.edge(ny) + 6, ny + 6),
            (44, h.chin + 2),
            (28, h.chin - 12),
            (34, ny + 8),
            (x + 8, ny - 18),
        ]
        brow = [(x - 14, y - 14), (x - 8, y - 30), (x + 8, y - 31), (x + 17, y - 17), (x + 4, y - 12)]
        marks += [
            Fill(blob(flip_side(cheek, s)), text(white), 0.95),
            Fill(blob(flip_side(brow, s)), text(white), 0.95),
            Soft(s * x, y + 14, 22, 12, text(white), 0.9, s * 10),
        ]
    marks += [
        *soft_pair(18, ny + 17, 30, 22, white, 1.0),
        *soft_pair(18, ny + 17, 24, 17, white, 0.9),
        Soft(0, h.chin - 8, 36, 22, text(white), 1.0),
    ]
    sway = mix(-2, 2, h.look.pattern)
    parts = [stripe([(0, 66), (sway * 0.4, 78), (0, 92)], 6, 0.9)]
    for s in (-1, 1):
        bands: list[tuple[Curve, float, float]] = [
            ([(2, 98), (13, 92 + sway), (27, 78)], 6.5, 0.3),
            ([(2, 109), (14, 102 + sway), (25, 93)], 5.5, 0.3),
            ([(9, 66), (10, 76), (7, 88)], 5.5, 0.8),
            ([(34, 70), (31, 84), (38, 95)], 6.0, 0.8),
            ([(50, 80), (45, 92), (52, 104)], 6.0, 0.8),
            ([(h.edge(108) + 4, 106), (h.edge(112) - 12, 111), (h.edge(112) - 22, 122)], 7.0, 0.8),
            ([(h.edge(126) + 5, 124), (h.edge(128) - 13, 129), (x + 19, y + 6)], 7.5, 0.8),
            ([(h.edge(142) + 6, 144), (h.edge(146) - 14, 145), (x + 14, y + 22)], 8.0, 0.8),
            ([(h.edge(160) + 7, 164), (h.edge(162) - 14, 162), (x + 15, y + 34)], 8.0, 0.8),
            ([(h.edge(178) + 7, 184), (h.edge(180) - 12, 180), (40, 178)], 7.0, 0.8),
            ([(h.edge(194) + 6, 202), (h.edge(196) - 8, 196), (32, 193)], 6.0, 0.8),
            ([(x - 12, y - 16), (x, y - 21), (x + 13, y - 18)], 4.5, 0.2),
            ([(13, ny - 40), (16, ny - 30), (15, ny - 20)], 3.5, 0.2),
        ]
        parts += [stripe(flip_side(points, s), width, blunt) for points, width, blunt in bands]
    return [*marks, Fill("".join(parts), black, 0.95)]


def _pale_face(h: Head) -> list[Mark]:
    """The paler parts of a spotted cat: around the eyes, muzzle and chin."""
    x, y = h.eye
    ny, pale = h.breed.nose[0], h.coat.pale
    return [
        *soft_pair(x, y + 12, 22, 12, pale, 0.9, 12),
        *soft_pair(x - 2, y - 13, 16, 8, pale, 0.8),
        *soft_pair(18, ny + 17, 30, 22, pale, 1.0),
        Soft(0, h.chin - 8, 38, 24, text(pale), 1.0),
    ]


def _spots(h: Head, gap: float, size: float, ring: float) -> tuple[str, str]:
    """Paths of small full spots near the face's middle, and of broken rings (beyond `ring` units) farther out."""
    x, y = h.eye
    ny = h.breed.nose[0]
    full, rings = [], []
    places = iter(h.rows[180:])
    for row in range(20):
        cy = 70 + row * gap * 0.86
        for column in range(-9, 10):
            cx = (column + 0.5 * (row % 2)) * gap
            if abs(cx) > h.edge(cy) + 4 or cy > h.chin - 6:
                continue
            a, b, c, d = next(places, (0.5, 0.5, 0.5, 0.5))
            px, py = cx + (a - 0.5) * gap * 0.5, cy + (b - 0.5) * gap * 0.5
            near_eye = math.hypot((abs(px) - x) / 1.35, py - y) < 17
            on_nose = abs(px) < h.breed.bridge + 4 and py > y - 12
            on_muzzle = abs(px) < 40 and py > ny - 4
            if near_eye or on_nose or on_muzzle:
                continue
            far = math.hypot(px * 0.8, py - ny + 20)
            r = size * mix(0.75, 1.15, c) * min(0.55 + far / 110, 1.15)
            if far > ring:
                start = 2 * math.pi * d
                for k in range(3):
                    angle = start + k * 2.1
                    ox, oy = px + math.cos(angle) * r * 0.95, py + math.sin(angle) * r * 0.85
                    rings.append(
                        blob([(ox - r * 0.5, oy), (ox, oy - r * 0.45), (ox + r * 0.5, oy + 0.4), (ox, oy + r * 0.45)])
                    )
            else:
                full.append(
                    blob([(px - r * 0.62, py), (px, py - r * 0.55), (px + r * 0.62, py + 0.4), (px, py + r * 0.55)])
                )
    return "".join(full), "".join(rings)


def _rosettes(h: Head) -> list[Mark]:
    full, rings = _spots(h, mix(14.5, 17, h.look.pattern), 5.6, 56)
    deep = text(h.coat.deep)
    return [*_pale_face(h), Fill(full, deep, 0.9), Fill(rings, deep, 0.9)]


def _cheetah(h: Head) -> list[Mark]:
    """Small full spots, and the black tear lines from the eyes to the mouth."""
    x, y = h.eye
    ny = h.breed.nose[0]
    deep = text(h.coat.deep)
    full, _ = _spots(h, mix(12.5, 14, h.look.pattern), 4.2, 999)
    tears = [
        stripe(flip_side([(x - 11, y + 4), (x - 15, y + 18), (22, ny - 10), (26, ny + 8), (31, ny + 20)], s), 6.5, 0.9)
        for s in (-1, 1)
    ]
    return [*_pale_face(h), Fill(full, deep, 0.85), Fill("".join(tears), deep, 0.95)]


MARKS: dict[str, Callable[[Head], list[Mark]]] = {
    "tabby": _tabby,
    "tiger": _tiger,
    "rosettes": _rosettes,
    "cheetah": _cheetah,
}
