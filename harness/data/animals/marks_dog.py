"""Markings of dogs: blaze, tan points, masks, patches and spots."""

from __future__ import annotations

from collections.abc import Callable

from bridgebench.harness.data.animals.fur import Fill, Line, Mark, Soft, half_shape, soft_pair
from bridgebench.harness.data.animals.head import Head
from bridgebench.harness.data.drawn.colours import blend, text
from bridgebench.harness.data.drawn.geometry import Curve, blob, flip_side, mirror, mix


def _lighter(h: Head) -> list[Mark]:
    """Paler around the eyes and on muzzle and chin, darker on the brow."""
    x, y = h.eye
    ny, pale, deep = h.breed.nose[0], h.coat.pale, h.coat.deep
    return [
        Soft(0, 74, 56, 30, text(deep), 0.35),
        *soft_pair(x + 2, y - 15, 16, 10, pale, 0.7),
        *soft_pair(18, ny + 16, 32, 27, pale, 0.85),
        Soft(0, h.chin - 8, 34, 24, text(pale), 0.9),
        *soft_pair(h.edge(150) - 6, 160, 22, 40, deep, 0.35),
    ]


def _tan_points(h: Head) -> list[Mark]:
    """Tan spots over the eyes, tan muzzle, cheeks and chin on a black head."""
    x, y = h.eye
    ny, tan = h.breed.nose[0], text(h.coat.pale)
    marks: list[Mark] = []
    for s in (-1, 1):
        cheek: Curve = [
            (14, ny - 6),
            (30, ny - 14),
            (48, ny - 10),
            (60, ny + 6),
            (48, ny + 26),
            (30, h.chin - 6),
            (14, h.chin + 4),
            (8, ny + 22),
        ]
        marks += [
            Soft(s * x * 0.92, y - 17, 11, 8, tan, 1.0),
            Soft(s * x * 0.92, y - 17, 8, 6, tan, 1.0),
            Fill(blob(flip_side(cheek, s)), tan, 0.8),
            Soft(s * 38, ny + 8, 30, 28, tan, 0.7),
        ]
    return [*marks, Soft(0, h.chin, 30, 16, tan, 0.8)]


def _white_face(h: Head, narrow: float) -> Fill:
    """A dog's white blaze that widens over the muzzle."""
    y, ny = h.eye[1], h.breed.nose[0]
    wide = mix(2.5, 8, h.look.white)
    return half_shape(
        [
            (0, 54),
            (wide, 62),
            (wide * 0.7, 84),
            (wide + 1, y - 8),
            (12, y + 16),
            (24 * narrow, ny - 16),
            (42 * narrow, ny + 6),
            (44, h.chin - 18),
            (34, h.chin + 10),
            (0, h.chin + 14),
        ],
        text(h.coat.pale),
        0.97,
    )


def _blaze_dog(h: Head) -> list[Mark]:
    y = h.eye[1]
    return [
        Soft(0, 70, 60, 30, text(h.coat.deep), 0.4),
        *soft_pair(50, y + 26, 24, 34, h.coat.deep, 0.3),
        _white_face(h, 1.0),
    ]


def _tricolour(h: Head) -> list[Mark]:
    """Black with rust cheeks and brow spots, and a white blaze."""
    x, y = h.eye
    ny, rust = h.breed.nose[0], h.coat.deep
    return [
        *soft_pair(52, ny - 6, 30, 34, rust, 1.0),
        *soft_pair(48, ny - 8, 22, 24, rust, 0.9),
        *soft_pair(x * 0.95, y - 17, 10, 7, rust, 1.0),
        *soft_pair(x * 0.95, y - 17, 8, 5, rust, 0.9),
        _white_face(h, 0.92),
    ]


def _black_mask(h: Head) -> list[Mark]:
    """A dark muzzle that fades towards the eyes; dark around the eyes and on the brow's folds."""
    x, y = h.eye
    ny, deep = h.breed.nose[0], h.coat.deep
    return [
        *soft_pair(h.edge(140) - 14, 140, 30, 40, h.coat.pale, 0.5),
        Soft(0, ny + 16, 56, 50, text(deep), 0.95),
        Soft(0, ny + 20, 44, 44, text(deep), 0.95),
        *soft_pair(x, y + 1, 25, 21, deep, 0.7),
        Soft(0, y - 36, 9, 24, text(deep), 0.4),
        *soft_pair(14, y - 34, 7, 20, deep, 0.3, -14),
    ]


def _eye_patch(h: Head) -> list[Mark]:
    """White, with a brown patch over one eye and half of the crown."""
    y = h.eye[1]
    s = 1 if h.look.side else -1
    colour = text(h.coat.deep)
    over: Curve = [
        (10, 58),
        (7, 84),
        (12, 106),
        (16, y + 12),
        (34, y + 22),
        (56, y + 26),
        (84, y + 10),
        (88, 70),
        (50, 50),
    ]
    marks: list[Mark] = [Fill(blob(flip_side(over, s)), colour, 0.97)]
    if h.look.pattern > 0.5:
        marks.append(
            Fill(
                blob(flip_side([(26, 56), (24, 80), (30, 100), (34, y + 10), (60, y + 22), (88, y), (80, 60)], -s)),
                colour,
                0.97,
            )
        )
    return marks


def _dots(h: Head) -> list[Mark]:
    """A dalmatian's spots."""
    parts = []
    for a, b, c, d in h.rows[200:226]:
        cx, cy, r = mix(-66, 66, a), mix(66, h.chin - 6, b), mix(2.6, 6.4, c)
        if abs(cx) < 20 and cy > 145:
            r *= 0.5
        parts.append(blob([(cx - r, cy), (cx, cy - r * mix(0.7, 1.1, d)), (cx + r, cy + 0.6), (cx, cy + r)]))
    return [Fill("".join(parts), text(h.coat.deep), 0.92)]


def _husky(h: Head) -> list[Mark]:
    """A white face under a dark cap that comes down between the eyes and along the cheeks."""
    x, y = h.eye
    ny, white = h.breed.nose[0], text(h.coat.pale)
    tip = mix(y - 20, y + 18, h.look.white)
    face: Curve = [
        (0, tip),
        (6, tip - 6),
        (10, y - 24),
        (24, y - 33),
        (42, y - 24),
        (50, y - 4),
        (66, y + 10),
        (74, ny - 12),
        (56, ny + 18),
        (40, h.chin + 6),
        (0, h.chin + 16),
    ]
    lower = [p for p in face if p[0] > 0.5]
    return [
        Fill(blob([(0, tip), *lower, (0, h.chin + 16), *mirror(lower)]), white, 0.97),
        Line(f"M0 58L0 {tip - 4:.1f}", white, 3.5, 0.5),
        *soft_pair(x + 3, y + 3, 19, 15, blend(h.base, h.coat.deep, 0.3), 0.35),
        Soft(0, ny - 18, 9, 32, text(h.base), 0.5),
    ]


MARKS: dict[str, Callable[[Head], list[Mark]]] = {
    "lighter": _lighter,
    "tan_points": _tan_points,
    "blaze_dog": _blaze_dog,
    "tricolour": _tricolour,
    "black_mask": _black_mask,
    "eye_patch": _eye_patch,
    "dots": _dots,
    "husky": _husky,
}
