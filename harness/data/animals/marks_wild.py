"""Markings of lions, foxes and wolves."""

from __future__ import annotations

from collections.abc import Callable

from bridgebench.harness.data.animals.fur import Fill, Mark, Soft, soft_pair, stripe
from bridgebench.harness.data.animals.head import Head
from bridgebench.harness.data.drawn.colours import text
from bridgebench.harness.data.drawn.geometry import Curve, blob, flip_side, mix


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
    "lion": _lion,
    "fox": _fox,
    "wolf": _wolf,
}
