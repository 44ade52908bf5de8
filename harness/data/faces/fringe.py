"""A fringe over the forehead: blunt, swept to a side, choppy, or parted like a curtain."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from bridgebench.harness.data.drawn.geometry import Curve, flip_side, line, mirror, mix, patch, stretch
from bridgebench.harness.data.faces.identity import Identity

Random = list[tuple[float, float, float, float]]


def fringe(who: Identity, random: Random) -> dict[str, Any]:
    """Its shape, its strands, and its lower edge for the shadow that it throws (a choppy one throws none)."""
    low = mix(103, 109, who.fringe_length)
    half: Curve = [(26, 60), (46, 78), (53, 100), (54, 122)]
    top: Curve = [*mirror(half), (0, 55), *half]
    choppy = who.fringe == 2
    edge = (_blunt, _swept, _choppy, _curtain)[who.fringe](who, low)
    shape = patch(top, *pairwise(edge)) if choppy else patch(top, edge)
    return {"shape": shape, "strands": _strands(top, edge, random[:14]), "edge": "" if choppy else line(edge)}


def _blunt(_who: Identity, low: float) -> Curve:
    half: Curve = [(-15, low - 0.5), (-30, low), (-44, low + 2), (-51, 118)]
    return [*mirror(half), (0, low - 1), *half]


def _swept(who: Identity, low: float) -> Curve:
    shape: Curve = [(51, 121), (46, low + 4), (32, low + 2), (14, low - 2), (-6, low - 8), (-24, low - 16)]
    shape += [(-38, low - 22), (-48, 98), (-52, 118)]
    return shape if who.fringe_side else list(reversed(flip_side(shape, -1)))


def _choppy(_who: Identity, low: float) -> Curve:
    teeth: Curve = []
    for k in range(7):
        x = 40 - k * 13.3
        teeth += [(x + 2.5, low + 4 - abs(k - 3) * 0.3), (x - 4.5, low - 7)]
    return [(51, 118), *teeth, (-51, 118)]


def _curtain(who: Identity, low: float) -> Curve:
    half: Curve = [(-18, low - 7), (-32, low + 1), (-46, low + 5), (-51, 121)]
    shift = who.parting * 6
    return [*mirror(half), (shift + 6, low - 20), (shift, low - 24), (shift - 6, low - 20), *half]


def _strands(top: Curve, edge: Curve, random: Random) -> list[str]:
    """Strands that fall from the roots to the edge."""
    ends, roots = stretch(list(reversed(edge)), 0, 1, 25), stretch(top, 0.08, 0.92, 25)
    strands = []
    for k, (a, b, c, _) in enumerate(random):
        i = min(2 + int(k * 1.5) + int(a * 2), 22)
        (x, y), (u, v) = ends[i], roots[i]
        start = 0.1 + 0.35 * b
        first = (mix(u * 0.8, x, start), mix(v, y, start))
        strands.append(line([first, (mix(u, x, 0.72) + 1.5 * (c - 0.5), mix(v, y, 0.7)), (x, y - 2.5)]))
    return strands
