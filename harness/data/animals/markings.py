"""Markings of a coat: each function draws one kind of marking on a head; a coat names them."""

from __future__ import annotations

from collections.abc import Callable

from harness.data.animals.fur import Fill, Line, Mark, Soft, soft_pair, stripe
from harness.data.animals.head import Head
from harness.data.animals.stripes import MARKS as STRIPES
from harness.data.drawn.colours import blend, text
from harness.data.drawn.geometry import Curve, blob, flip_side, mirror, mix


def _half(points: Curve, colour: str, strength: float = 1.0) -> Fill:
    """A closed smooth shape that is the same on both sides, from its right half."""
    return Fill(blob([*points, *mirror([p for p in points if p[0] > 0.5])]), colour, strength)


def _muzzle(h: Head) -> list[Mark]:
    """A pale muzzle and chin, and pale rings around the eyes."""
    x, y = h.eye
    ny, pale = h.breed.nose[0], h.coat.pale
    return [
        *soft_pair(x, y, 27, 23, pale, 0.6),
        *soft_pair(16, ny + 15, 31, 23, pale, 1.0),
        Soft(0, h.chin - 10, 36, 22, text(pale), 1.0),
        Soft(0, ny - 22, 13, 30, text(pale), 0.35),
    ]


def _sheen(h: Head) -> list[Mark]:
    """Hardly any marking: a little light on cheeks, brow and muzzle, a little dark between."""
    ny, pale, deep = h.breed.nose[0], h.coat.pale, h.coat.deep
    return [
        Soft(0, 86, 40, 22, text(pale), 0.45),
        *soft_pair(17, ny + 14, 27, 20, pale, 0.55),
        *soft_pair(h.edge(150) - 16, 150, 26, 36, pale, 0.35),
        *soft_pair(h.breed.bridge + 8, ny - 18, 13, 28, deep, 0.4, 12),
    ]


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


def _blaze(h: Head) -> list[Mark]:
    """A cat's white: an upturned V from the brow over the muzzle and chin."""
    y = h.eye[1]
    ny, white = h.breed.nose[0], text(h.coat.pale)
    top = mix(y - 34, y + 6, h.look.white)
    wide = mix(0.8, 1.25, h.look.pattern)
    return [
        _half(
            [
                (0, top),
                (4 * wide, y - 4),
                (9 * wide, y + 14),
                (22 * wide, ny - 8),
                (42 * wide, ny + 8),
                (50, h.chin - 14),
                (34, h.chin + 12),
                (0, h.chin + 14),
            ],
            white,
            0.97,
        ),
        *soft_pair(26, ny + 12, 34, 26, h.coat.pale, 0.8),
    ]


def _calico(h: Head) -> list[Mark]:
    """Orange and black patches over a white head, one side each."""
    y = h.eye[1]
    s = 1 if h.look.side else -1
    orange, black = text((214, 132, 62)), text(h.coat.deep)
    wide = mix(-13, 15, h.look.white)
    patch_a: Curve = [
        (8 + wide, 60),
        (10 + wide, 92),
        (16, 116),
        (20, y + 10),
        (44, y + 22),
        (84, y + 14),
        (96, 100),
        (70, 56),
    ]
    patch_b: Curve = [
        (4 - wide, 58),
        (8 - wide, 86),
        (22, 108),
        (26, y + 4),
        (50, y + 18),
        (70, y + 34),
        (98, y + 20),
        (96, 90),
        (64, 56),
    ]
    return [
        Fill(blob(flip_side(patch_a, s)), orange),
        Fill(blob(flip_side(patch_b, -s)), black),
        Soft(s * 52, 96, 22, 16, black, 0.5),
        Soft(-s * 62, y + 8, 18, 16, orange, 0.75),
    ]


def _siamese(h: Head) -> list[Mark]:
    """A dark mask that fades towards the cheeks and the brow."""
    y = h.eye[1]
    ny, deep = h.breed.nose[0], text(h.coat.deep)
    big = mix(0.86, 1.12, h.look.pattern)
    return [
        Soft(0, ny - 8, 76 * big, 80 * big, deep, 1.0),
        Soft(0, ny, 56 * big, 58 * big, deep, 1.0),
        Soft(0, y - 30, 18, 34, deep, 0.4),
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
    return _half(
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


def _lion(h: Head) -> list[Mark]:
    """Pale under the eyes, on muzzle and chin; a darker bridge and brow."""
    x, y = h.eye
    ny, pale, deep = h.breed.nose[0], h.coat.pale, h.coat.deep
    return [
        Soft(0, 80, 40, 22, text(deep), 0.35),
        *soft_pair(x, y + 12, 21, 12, pale, 0.85, 14),
        *soft_pair(x - 2, y - 13, 15, 7, pale, 0.5),
        *soft_pair(19, ny + 17, 28, 21, pale, 0.95),
        Soft(0, h.chin - 8, 30, 22, text(pale), 1.0),
        Soft(0, ny - 26, 17, 34, text(deep), 0.25),
        *soft_pair(h.edge(150) - 2, 150, 20, 44, deep, 0.35),
    ]


def _fox(h: Head) -> list[Mark]:
    """White cheeks and chin that reach up beside a narrow orange bridge, dark whisker spots."""
    y = h.eye[1]
    ny, white = h.breed.nose[0], text(h.coat.pale)
    marks: list[Mark] = [*soft_pair(0, 84, 40, 24, h.coat.deep, 0.18)]
    for s in (-1, 1):
        cheek: Curve = [
            (10, ny - 10),
            (17, ny - 24),
            (28, y + 17),
            (50, y + 14),
            (72, y + 4),
            (98, y + 12),
            (90, ny - 10),
            (56, ny + 14),
            (24, h.chin + 4),
            (0, h.chin + 10),
            (0, ny + 6),
        ]
        marks.append(Fill(blob(flip_side(cheek, s)), white, 0.98))
        marks.append(Soft(s * 15, ny - 8, 10, 20, text(h.coat.deep), 0.55, -s * 18))
    return marks


def _wolf(h: Head) -> list[Mark]:
    """Pale brows, cheeks and muzzle; dark crown, bridge, and lines from the eyes to the ruff."""
    x, y = h.eye
    ny, pale, deep = h.breed.nose[0], h.coat.pale, h.coat.deep
    strength = mix(0.6, 0.9, h.look.pattern)
    marks: list[Mark] = [Soft(0, 82, 56, 40, text(deep), 0.55)]
    for s in (-1, 1):
        cheek: Curve = [
            (15, ny - 14),
            (26, y + 16),
            (44, y + 17),
            (64, y + 22),
            (86, y + 34),
            (62, ny + 10),
            (36, h.chin + 2),
            (0, h.chin + 10),
            (0, ny + 10),
        ]
        marks += [
            Fill(blob(flip_side(cheek, s)), text(pale), strength),
            Soft(s * (x - 4), y - 14, 13, 8, text(pale), strength, s * -12),
            Soft(s * (x - 4), y - 14, 9, 5, text(pale), strength, s * -12),
            Fill(
                stripe(flip_side([(x + 8, y + 1), (x + 24, y + 8), (x + 38, y + 24), (x + 44, y + 40)], s), 8, 0.4),
                text(deep),
                0.5,
            ),
            Soft(s * 17, ny - 12, 8, 26, text(deep), 0.35, -s * 10),
        ]
    return [*marks, Soft(0, y - 8, 10, 36, text(deep), 0.5)]


MARKS: dict[str, Callable[[Head], list[Mark]]] = {
    **STRIPES,
    "muzzle": _muzzle,
    "sheen": _sheen,
    "lighter": _lighter,
    "blaze": _blaze,
    "calico": _calico,
    "siamese": _siamese,
    "tan_points": _tan_points,
    "blaze_dog": _blaze_dog,
    "tricolour": _tricolour,
    "black_mask": _black_mask,
    "eye_patch": _eye_patch,
    "dots": _dots,
    "husky": _husky,
    "lion": _lion,
    "fox": _fox,
    "wolf": _wolf,
}
