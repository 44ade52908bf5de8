"""Hair: the cap around the forehead, long hair behind and beside the face, fringes and strands."""

from __future__ import annotations

from typing import Any

from harness.data.faces.geometry import Curve, between, flip_side, line, mirror, mix, patch, stretch
from harness.data.faces.identity import Identity

Random = list[tuple[float, float, float, float]]


def _forehead(who: Identity, male: bool, receding: bool) -> Curve:
    """The hairline from the left temple to the right one (without the locks beside the face)."""
    if receding:
        corner = mix(60, 55.5, who.recession)
        peak = corner + mix(15, 6, who.recession_peak)
        half: Curve = [(9, peak - 1), (20, corner + 5), (34, corner), (46, 72), (52.5, 97), (54, 120)]
        return [*mirror(half), (0, peak + 1), *half]
    part = who.parting * 20
    if male:
        half = [(16, 76), (29, 77), (40, 81), (48, 92), (52.5, 106), (54, 120)]
        sweep = who.parting * 3.5
        right = [(x, y - sweep * max(0.0, 1 - x / 52)) for x, y in half]
        left = [(-x, y + sweep * max(0.0, 1 - x / 52)) for x, y in reversed(half)]
        return [*left, (part * 0.3, 76.5), *right]
    left = [(-54, 120), (-51, 107), (-46, 95), (-36, 84), (-22, 76), (mix(-22, part, 0.6), 71)]
    right = [(mix(22, part, 0.6), 71), (22, 76), (36, 84), (46, 95), (51, 107), (54, 120)]
    return [*left, (part, 68), *right]


def _crown(who: Identity, male: bool, receding: bool) -> Curve:
    """The outer outline of the hair from the left temple to the right one."""
    volume = mix(5, 12, who.hair_volume) * (0.6 if receding else 1.0)
    top = 45 - volume
    side = 61.5 + volume * (0.25 if male else 0.55)
    lean = who.parting * 5
    half: Curve = [(15, top + 1.0), (32, top + 8), (47, top + 22), (side - 3, 84), (side, 104), (side, 122)]
    lift = [(x, y + who.parting * (2.5 if male else 1.5) * max(0.0, (100 - y) / 50)) for x, y in half]
    drop = [(-x, 2 * b - y) for (x, y), (_, b) in zip(reversed(lift), reversed(half), strict=True)]
    return [*drop, (lean, top - 0.5), *lift]


def _locks(who: Identity, crown: Curve) -> tuple[Curve, Curve]:
    """Outer and inner edge of the right lock of long hair, from the temple to the tip."""
    end = (212.0, 238.0, 300.0)[who.hair_length]
    side = crown[-1][0]
    wave = mix(0, 4.5, who.hair_wave)
    outer: Curve = [(side + 3.5, 146), (side + 7 + wave, 172), (side + 8 - wave, 196)]
    inner: Curve = [(54.5, 138), (55, 156), (53 + wave * 0.4, 174), (51 - wave * 0.4, 190)]
    if who.hair_length > 0:
        outer += [(side + 11 + wave, 218)]
        inner += [(53 + wave, 212)]
    outer += [(side + 7, end - 8), (side - 2, end)]
    inner += [(56, end - 4)]
    return outer, inner


def _fringe(who: Identity, male: bool, random: Random) -> dict[str, Any]:
    """A fringe over the forehead: blunt, swept to a side, choppy, or parted like a curtain."""
    low = mix(103, 109, who.fringe_length)
    top: Curve = [(-54, 122), (-53, 100), (-46, 78), (-26, 60), (0, 55), (26, 60), (46, 78), (53, 100), (54, 122)]
    side = 1 if who.fringe_side else -1
    if who.fringe == 0:
        edge: Curve = [(51, 118), (44, low + 2), (30, low), (15, low - 0.5), (0, low - 1), (-15, low - 0.5), (-30, low),
                       (-44, low + 2), (-51, 118)]
    elif who.fringe == 1:
        edge = flip_side([(51, 121), (46, low + 4), (32, low + 2), (14, low - 2), (-6, low - 8), (-24, low - 16), (-38, low - 22),
                          (-48, 98), (-52, 118)], side)
        edge = edge if side > 0 else list(reversed(edge))
    elif who.fringe == 2:
        edge = [(51, 118)]
        for k in range(7):
            x = 40 - k * 13.3
            edge += [(x + 2.5, low + 4 - abs(k - 3) * 0.3), (x - 4.5, low - 7)]
        edge += [(-51, 118)]
    else:
        shift = who.parting * 6
        edge = [(51, 121), (46, low + 5), (32, low + 1), (18, low - 7), (shift + 6, low - 20), (shift, low - 24), (shift - 6, low - 20),
                (-18, low - 7), (-32, low + 1), (-46, low + 5), (-51, 121)]  # fmt: skip
    low_edge = stretch(list(reversed(edge)), 0, 1, 25)
    roots = stretch(top, 0.08, 0.92, 25)
    strands = []
    for k, (a, b, c, _) in enumerate(random[:14]):
        i = 2 + int(k * 1.5) if k < 14 else 2
        x, y = low_edge[min(i + int(a * 2), 22)]
        u, v = roots[min(i + int(a * 2), 22)]
        start = 0.1 + 0.35 * b
        strands.append(line([(mix(u * 0.8, x, start), mix(v, y, start)), (mix(u, x, 0.72) + 1.5 * (c - 0.5), mix(v, y, 0.7)), (x, y - 2.5)]))
    if who.fringe == 2:
        shape = patch(top, *[[a, b] for a, b in zip(edge, edge[1:], strict=False)])
    else:
        shape = patch(top, edge)
    return {"shape": shape, "strands": strands, "edge": line(edge) if who.fringe != 2 else ""}


def hair(who: Identity, male: bool, receding: bool, bangs: bool, random: Random) -> dict[str, Any]:
    """All paths of the hair; `random` holds rows of four numbers in [0, 1) that place the strands."""
    hairline, crown = _forehead(who, male, receding), _crown(who, male, receding)
    side = crown[-1][0]
    back = ""
    if male:
        right_end: Curve = [(side, 122), (side - 1.5, 133), (57, 138)]
        inner_end: Curve = [(57, 138), (54.5, 130), (54, 120)]
        body = patch([*mirror(right_end)[:-1], *crown, *right_end[1:]], [*inner_end[:-1], *reversed(hairline), *mirror(inner_end)[1:]])
    else:
        outer, inner = _locks(who, crown)
        lock = [*outer, *reversed(inner)]
        body = patch([hairline[0], *mirror(lock), *crown, *lock, hairline[-1]], list(reversed(hairline)))
        half: Curve = [(58, 110), *outer[:-2], (outer[-1][0] - 2, outer[-1][1] - 6), (30, outer[-1][1] - 9)]
        back = patch([*half, *mirror(half)])
    light, dark = [], []
    for k, (a, b, c, d) in enumerate(random[14:36]):
        share = 0.1 + 0.8 * (k + d) / 23
        start = 0.02 + 0.62 * a
        arc = stretch(between(hairline, crown, share), start, min(start + 0.18 + 0.22 * b, 0.99))
        (light if c > 0.5 else dark).append(line(arc))
    if not male:
        for a, b, c, d in random[40:52]:
            sign = 1 if a > 0.5 else -1
            lock = between(stretch(inner, 0, 1, 6), stretch(outer, 0, 1, 6), 0.15 + 0.7 * b)
            part = stretch(lock, 0.25 * c, 0.6 + 0.38 * d)
            (light if d > 0.5 else dark).append(line(flip_side(part, sign)))
    lit = (0.58, 0.84) if who.light_side else (0.16, 0.42)
    sheen = patch(
        stretch(between(hairline, crown, 0.48), *lit, 7), list(reversed(stretch(between(hairline, crown, 0.74), *lit, 7)))
    )
    return {
        "body": body,
        "back": back,
        "sheen": sheen,
        "light": light,
        "dark": dark,
        "line": line(stretch(hairline, 0.0, 1.0, 25)),
        "part": "" if (male or receding or bangs) else line([hairline[6], (hairline[6][0] * 0.8, 54), (crown[6][0], crown[6][1] + 6)]),
        "fringe": _fringe(who, male, random) if bangs else None,
    }
