"""Beards: the short full beard of No_Beard = 0, and mustache, goatee and sideburns on top of it."""

from __future__ import annotations

from typing import Any

from bridgebench.harness.data.drawn.geometry import Curve, blob, flip_side, line, mirror, mix, patch
from bridgebench.harness.data.faces.head import MOUTH_Y, face_half
from bridgebench.harness.data.faces.identity import Identity

Random = list[tuple[float, float, float, float]]


def short_beard(who: Identity, male: bool, random: Random) -> dict[str, Any]:
    """A short full beard along jaw, chin and upper lip, with its bristles."""
    jaw = [(x - 0.6, y - 0.3) for x, y in face_half(who, male)[3:]]
    cheek = mix(160, 167, who.stubble)
    outer: Curve = [(jaw[0][0], 150), *jaw[1:]]
    inner: Curve = [(outer[0][0] - 3, 151), (46, cheek), (38, cheek + 10), (28, cheek + 14), (0, 184)]
    bristles = []
    for a, b, _c, d in random:
        x = mix(-45, 45, a)
        low, high = 213 - abs(x) ** 2 / 70, 180 + max(0.0, 26 - abs(x)) * 0.75
        y = mix(high, low - 3, b)
        bristles.append(line([(x, y), (x + (d - 0.5) * 1.5 + x * 0.02, y + 3.6)]))
    lip: Curve = [(0, 168), (9, 167), (19, 170), (27, 179)]
    return {
        "shape": patch(
            [*outer, (0, 216 if male else 212.5), *mirror(outer)], [*[(-x, y) for x, y in inner[:-1]], *reversed(inner)]
        ),
        "lip": patch([*mirror(lip[1:]), *lip], [(16, 180), (0, 180), (-16, 180)]),
        "bristles": bristles,
    }


def mustache(who: Identity, lips: dict[str, Any]) -> dict[str, Any]:
    """Chevron, handlebar, walrus or painter's mustache; it follows the upper lip."""
    half = max(lips["half"], 20.0)
    end = MOUTH_Y + min(lips["corner"], 0.0) - 1.0
    lip = MOUTH_Y + lips["top"]
    thick = mix(0, 2.0, who.mustache_size)
    top = 164.5 - thick * 0.4
    if who.mustache == 0:  # chevron
        upper: Curve = [(0, top + 1), (7, top - 0.5), (17, top + 3.5), (half + 3, end + 0.5)]
        lower: Curve = [
            (half + 1, end + 2),
            (14, lip + 2.5 + thick * 0.5),
            (5, lip + 1.5 + thick),
            (0, lip + 0.5 + thick),
        ]
    elif who.mustache == 1:  # handlebar
        upper = [(0, top + 2), (7, top), (17, top + 4), (half + 2, end - 2), (half + 9, end - 7)]
        lower = [
            (half + 9.5, end - 5.5),
            (half + 5, end + 2.5),
            (half - 4, end + 3),
            (8, lip + 2.5 + thick),
            (0, lip + thick),
        ]
    elif who.mustache == 2:  # walrus
        upper = [(0, top), (8, top - 1), (18, top + 2), (half + 4, end), (half + 5, end + 6 + thick)]
        lower = [(half + 1, end + 8 + thick), (half - 3, end + 4), (12, lip + 4.5 + thick), (0, lip + 3.5 + thick)]
    else:  # two wings with a gap
        upper = [(1.0, top + 2), (6, top - 0.5), (16, top + 2), (half + 1, end - 1.5)]
        lower = [(half + 1, end + 0.5), (14, lip + 3 + thick), (6, lip + 2.5 + thick), (1.0, lip - 0.5)]
    hairs = []
    for k in range(6):
        x = 3 + k * half / 6.2
        hairs += [
            line(flip_side([(x, mix(top + 2, end - 3, k / 6)), (x + 2.5, mix(lip, end, k / 6) + 0.5)], s))
            for s in (-1, 1)
        ]
    return {"shapes": [patch(flip_side(upper, s), flip_side(lower, s)) for s in (-1, 1)], "hairs": hairs}


def goatee(who: Identity, male: bool, lips: dict[str, Any], random: Random) -> dict[str, Any]:
    """A chin beard: round, long and pointed, or a wide one that climbs beside the mouth."""
    chin = 215.5 if male else 212.0
    top = max(MOUTH_Y + lips["bottom"] + 2.5, 192)
    wide = mix(15.5, 19, who.goatee_size) + (1.5 if male else 0)
    drop = mix(2, 5, who.goatee_size)
    if who.goatee == 0:
        half: Curve = [(6, top), (wide - 2, top + 4), (wide, chin - 9), (wide - 5, chin + drop - 2)]
        tip = chin + drop + 1
    elif who.goatee == 1:
        half = [
            (5, top),
            (wide - 4, top + 4),
            (wide - 1, chin - 9),
            (wide - 6, chin + drop + 2),
            (4.5, chin + drop + 8),
        ]
        tip = chin + drop + 9.5
    else:
        edge = lips["half"] + 5
        half = [
            (8, top),
            (edge - 5, top - 2),
            (edge - 2.5, MOUTH_Y + 4),
            (edge + 1.5, MOUTH_Y + 5),
            (edge + 1, top + 5),
            (wide + 3, chin - 7),
            (wide - 5, chin + drop - 2),
        ]
        tip = chin + drop + 1
    shape = blob([(0, top + 0.5), *half, (0, tip), *mirror(half)])
    strokes = []
    for a, b, _c, d in random[:16]:
        x = mix(-wide + 4, wide - 4, a)
        y = mix(top + 5, tip - 8, b)
        strokes.append(line([(x, y), (x * 0.95 + (d - 0.5), y + 3), (x * 0.85, y + 6)]))
    soul = patch([(-3, top - 1.5), (0, top - 1), (3, top - 1.5)], [(2, top + 5), (-2, top + 5)])
    return {"shape": shape, "soul": soul, "strokes": strokes}


def sideburns(who: Identity, male: bool, random: Random) -> dict[str, Any]:
    """A strip in front of each ear from the temple to the jaw: straight, slanted, or broad chops."""
    edge = face_half(who, male)
    out = [(edge[2][0] - 1, 114), (edge[3][0] - 0.4, 142), (edge[4][0] - 0.4, 168)]
    low = mix(0, 6, who.sideburns_size)
    if who.sideburns == 0:
        end: Curve = [(edge[4][0] - 1, 168 + low), (48, 172 + low), (42, 169 + low)]
        inner: Curve = [(42, 169 + low), (41.5, 152), (45, 136), (53.5, 117)]
    elif who.sideburns == 1:
        end = [(edge[4][0] - 1, 175 + low), (47, 173 + low), (40, 165 + low)]
        inner = [(40, 165 + low), (41, 152), (45, 136), (53.5, 117)]
    else:
        end = [(edge[4][0] - 2, 176 + low), (44, 181 + low), (35, 178 + low)]
        inner = [(35, 178 + low), (37, 165), (41.5, 150), (45.5, 136), (53.5, 117)]
    shapes, strokes = [], []
    for s in (-1, 1):
        shapes.append(patch(flip_side(out, s), flip_side(end, s), flip_side(inner, s)))
        for k, (a, b, _c, d) in enumerate(random[:8]):
            y = mix(132, 164, (k + b) / 8)
            x = mix(46, 53, a)
            strokes.append(line(flip_side([(x, y), (x - 0.6 + (d - 0.5), y + 7)], s)))
    return {"shapes": shapes, "strokes": strokes}
