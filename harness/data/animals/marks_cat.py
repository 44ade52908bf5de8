"""Markings of cats: a pale muzzle, a white blaze, patches and points."""

from __future__ import annotations

from collections.abc import Callable

from bridgebench.harness.data.animals.fur import Fill, Mark, Soft, half_shape, soft_pair
from bridgebench.harness.data.animals.head import Head
from bridgebench.harness.data.drawn.colours import text
from bridgebench.harness.data.drawn.geometry import Curve, blob, flip_side, mix


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


def _blaze(h: Head) -> list[Mark]:
    """A cat's white: an upturned V from the brow over the muzzle and chin."""
    y = h.eye[1]
    ny, white = h.breed.nose[0], text(h.coat.pale)
    top = mix(y - 34, y + 6, h.look.white)
    wide = mix(0.8, 1.25, h.look.pattern)
    return [
        half_shape(
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


MARKS: dict[str, Callable[[Head], list[Mark]]] = {
    "muzzle": _muzzle,
    "sheen": _sheen,
    "blaze": _blaze,
    "calico": _calico,
    "siamese": _siamese,
}
