"""Hair: the cap around the forehead, long hair behind and beside the face, and strands."""

from __future__ import annotations

from typing import Any

from bridgebench.harness.data.drawn.geometry import Curve, between, flip_side, line, mirror, mix, patch, stretch
from bridgebench.harness.data.faces.fringe import Random, fringe
from bridgebench.harness.data.faces.identity import Identity


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


def hair(who: Identity, male: bool, receding: bool, bangs: bool, random: Random) -> dict[str, Any]:
    """All paths of the hair; `random` holds rows of four numbers in [0, 1) that place the strands."""
    hairline, crown = _forehead(who, male, receding), _crown(who, male, receding)
    light, dark = _cap_strands(hairline, crown, random[14:36])
    if male:
        body, back = _short(hairline, crown), ""
    else:
        outer, inner = _locks(who, crown)
        body, back = _long(hairline, crown, outer, inner)
        light_locks, dark_locks = _lock_strands(outer, inner, random[40:52])
        light, dark = light + light_locks, dark + dark_locks
    lit = (0.58, 0.84) if who.light_side else (0.16, 0.42)
    low, high = (stretch(between(hairline, crown, share), *lit, 7) for share in (0.48, 0.74))
    middle = hairline[6]
    parted = not (male or receding or bangs)
    return {
        "body": body,
        "back": back,
        "sheen": patch(low, list(reversed(high))),
        "light": light,
        "dark": dark,
        "line": line(stretch(hairline, 0.0, 1.0, 25)),
        "part": line([middle, (middle[0] * 0.8, 54), (crown[6][0], crown[6][1] + 6)]) if parted else "",
        "fringe": fringe(who, random) if bangs else None,
    }


def _short(hairline: Curve, crown: Curve) -> str:
    """A man's cap of hair, which ends above the ears."""
    side = crown[-1][0]
    outside: Curve = [(side, 122), (side - 1.5, 133), (57, 138)]
    inside: Curve = [(57, 138), (54.5, 130), (54, 120)]
    outline = [*mirror(outside)[:-1], *crown, *outside[1:]]
    return patch(outline, [*inside[:-1], *reversed(hairline), *mirror(inside)[1:]])


def _long(hairline: Curve, crown: Curve, outer: Curve, inner: Curve) -> tuple[str, str]:
    """The cap with its two locks, and the hair behind the neck."""
    lock = [*outer, *reversed(inner)]
    body = patch([hairline[0], *mirror(lock), *crown, *lock, hairline[-1]], list(reversed(hairline)))
    tip_x, tip_y = outer[-1]
    half: Curve = [(58, 110), *outer[:-2], (tip_x - 2, tip_y - 6), (30, tip_y - 9)]
    return body, patch([*half, *mirror(half)])


def _cap_strands(hairline: Curve, crown: Curve, random: Random) -> tuple[list[str], list[str]]:
    """Light and dark strands that run along the head."""
    light: list[str] = []
    dark: list[str] = []
    for k, (a, b, c, d) in enumerate(random):
        start = 0.02 + 0.62 * a
        arc = between(hairline, crown, 0.1 + 0.8 * (k + d) / 23)
        strand = line(stretch(arc, start, min(start + 0.18 + 0.22 * b, 0.99)))
        (light if c > 0.5 else dark).append(strand)
    return light, dark


def _lock_strands(outer: Curve, inner: Curve, random: Random) -> tuple[list[str], list[str]]:
    """Light and dark strands that run down the locks."""
    light: list[str] = []
    dark: list[str] = []
    for a, b, c, d in random:
        lock = between(stretch(inner, 0, 1, 6), stretch(outer, 0, 1, 6), 0.15 + 0.7 * b)
        strand = line(flip_side(stretch(lock, 0.25 * c, 0.6 + 0.38 * d), 1 if a > 0.5 else -1))
        (light if d > 0.5 else dark).append(strand)
    return light, dark
