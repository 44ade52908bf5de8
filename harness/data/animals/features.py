"""Eyes, nose, mouth, whiskers and ears."""

from __future__ import annotations

from typing import Any

from bridgebench.harness.data.animals.fur import furry, stripe
from bridgebench.harness.data.animals.head import Head, pick
from bridgebench.harness.data.animals.identity import Scene
from bridgebench.harness.data.drawn.colours import Colour, blend, luminance, text
from bridgebench.harness.data.drawn.geometry import Curve, Point, blob, flip_side, line, mix, patch

_DEFAULT_EYES: tuple[Colour, ...] = ((104, 66, 38),)


def ears(h: Head) -> list[dict[str, Any]]:
    """Shell, hollow, inner hair and fold of the left and the right ear."""
    ear, look = h.breed.ear, h.look
    anchor = ear.shell[0][0]

    def place(points: Curve, s: int) -> Curve:
        big = look.ear_size
        return flip_side([(anchor[0] + (x - anchor[0]) * big, anchor[1] + (y - anchor[1]) * big) for x, y in points], s)

    found = []
    for s in (-1, 1):
        join = (lambda curves: blob(curves[0])) if ear.round else (lambda curves: patch(*curves))
        shell = [place(curve, s) for curve in ear.shell]
        hollow = [place(curve, s) for curve in ear.hollow]
        found.append(
            {
                "shell": furry(
                    shell[0] if s > 0 else shell[0][::-1], h.rows[20 * s + 40 :], 0.45 * h.breed.fur, 8.0, 0.5
                )
                if ear.round
                else join(shell),
                "hollow": join(hollow) if hollow else "",
                "tufts": _tufts(hollow, h, s) if ear.tufts else "",
                "fold": line(place(ear.fold, s)) if ear.fold else "",
                "turn": f"rotate({s * look.ear_turn:.1f} {s * anchor[0]:.1f} {anchor[1]:.1f})",
            }
        )
    return found


def _tufts(hollow: list[Curve], h: Head, s: int) -> str:
    """Hairs that grow from the inner edge over the hollow."""
    (ax, ay), (bx, by) = hollow[0][0], hollow[-1][-1] if not h.breed.ear.round else hollow[0][5]
    hairs = []
    for k in range(7):
        a, b, _c, _d = h.rows[k + (s + 1) * 10]
        x, y = mix(ax, bx, k / 6), mix(ay, by, k / 6) + 6
        up = mix(16, 36, b)
        hairs.append(stripe([(x, y + 8), (x + s * mix(0, 5, a), y - 0.4 * up), (x + s * mix(3, 11, a), y - up)], 6.5))
    return "".join(hairs)


def eyes(h: Head, scene: Scene) -> dict[str, Any]:
    """Openings, irises and pupils, from the breed's shape and the scene's gaze and lids."""
    x, y, wide, high, slant = h.breed.eyes
    wide, high = wide * h.look.eye_size, high * h.look.eye_size * mix(0.84, 1.04, scene.lids)
    kind = h.breed.eye_kind
    colour = pick(h.coat.eyes or _DEFAULT_EYES, h.look.eye_colour)
    radius = {"cat": 1.02 * wide * 0.88, "dog": high * 1.12, "beast": high * 1.12}[kind]
    pupil = {
        "cat": (mix(0.2, 0.62, scene.pupils) * radius, radius * 0.86),
        "dog": (mix(0.45, 0.6, scene.pupils) * radius,) * 2,
        "beast": (mix(0.34, 0.5, scene.pupils) * radius,) * 2,
    }[kind]
    pairs = []
    for s in (-1, 1):
        top: Curve = [
            (-wide, slant * 0.9 + 2),
            (-wide * 0.55, -high * 0.55),
            (0, -high),
            (wide * 0.6, -high * 0.72),
            (wide, -slant * 0.8),
        ]
        low: Curve = [
            (wide, -slant * 0.8),
            (wide * 0.62, high * 0.62),
            (0, high),
            (-wide * 0.6, high * 0.66),
            (-wide, slant * 0.9 + 2),
        ]
        upper = [(s * (x + px), y + py) for px, py in top]
        lower = [(s * (x + px), y + py) for px, py in low]
        pairs.append(
            {
                "opening": patch(upper, lower),
                "lid": line(upper),
                "cx": s * x + 2.2 * scene.gaze_x,
                "cy": y + 0.6 + 1.6 * scene.gaze_y,
                "tear": line([(s * (x - wide + 1), y + slant), (s * (x - wide - 4), y + slant + 6)]),
            }
        )
    return {
        "pairs": pairs,
        "radius": radius,
        "pupil": pupil,
        "kind": kind,
        "iris": text(colour),
        "iris_light": text(blend(colour, (255, 250, 220), 0.35)),
        "iris_dark": text(blend(colour, (10, 8, 8), 0.55)),
        "rim": text(blend(h.coat.deep, (22, 16, 16), 0.75)),
        "white": text(blend(colour, (240, 232, 220), 0.4) if kind == "dog" else blend(colour, (30, 22, 18), 0.4)),
        "shine": high * 0.24,
    }


def nose(h: Head) -> dict[str, Any]:
    """The nose's shape, its nostrils and its colours."""
    y, wide, high = h.breed.nose

    def at(points: list[Point]) -> Curve:
        return [(wide * px, y + high * py) for px, py in points]

    if h.breed.eye_kind == "dog":
        right = at([(0.62, -0.92), (0.98, -0.3), (0.92, 0.3), (0.55, 0.72), (0.16, 0.98)])
        shape = blob([(0, y - high), *right, (0, y + high), *[(-px, py) for px, py in right[::-1]]])
        holes = [at([(0.3, 0.12), (0.62, -0.08), (0.82, 0.16), (0.66, 0.42), (0.42, 0.4)])]
    else:
        right = at([(0.92, -0.86), (1.0, -0.5), (0.62, 0.2), (0.22, 0.75), (0, 1)])
        shape = patch(
            [(-right[0][0], right[0][1]), (0, y - high * 0.98), right[0]], right, [(-px, py) for px, py in right[::-1]]
        )
        holes = [at([(0.36, 0.02), (0.72, -0.18), (0.86, -0.02), (0.6, 0.3)])]
    colour = h.coat.nose
    return {
        "shape": shape,
        "holes": [blob(flip_side(hole, s)) for hole in holes for s in (-1, 1)],
        "colour": text(colour),
        "dark": text(blend(colour, (20, 12, 14), 0.62)),
        "light": text(blend(colour, (255, 244, 240), 0.5)),
        "top": y - 0.5 * high,
        "wide": wide,
        "high": high,
        "y": y,
    }


def mouth(h: Head, scene: Scene) -> dict[str, Any]:
    """The line below the nose, the lips, and the open mouth with its tongue where the scene says so."""
    y, wide = h.breed.mouth
    under = h.breed.nose[0] + h.breed.nose[2]
    room = h.chin - y - 7
    gape = max(0.0, (scene.mouth - 0.65) / 0.35)
    drop = room * mix(0.4, 0.75 if h.breed.eye_kind == "cat" else 1.0, gape) if gape else 0.0
    sag = 3.5 if h.breed.eye_kind == "cat" else 5.0
    right: Curve = [(0, y), (wide * 0.3, y + sag), (wide * 0.68, y + sag * 0.8), (wide, y - 2.5)]
    left = [(-px, py) for px, py in right]
    tongue = wide * 0.42
    lower: Curve = [
        (wide * 0.8, y + 1),
        (wide * 0.62, y + drop * 0.72),
        (wide * 0.3, y + drop + 1),
        (0, y + drop + 1.5),
    ]
    return {
        "line": line([(0, under), (0, y)]) + line(right) + line(left),
        "open": bool(gape),
        "hole": patch(left[:0:-1][1:] + right[:-1], lower, [(-px, py) for px, py in lower[::-1]]),
        "tongue": blob(
            [
                (-tongue, y + drop * 0.62),
                (0, y + drop * 0.45),
                (tongue, y + drop * 0.62),
                (tongue * 0.8, y + drop),
                (0, y + drop + 1),
                (-tongue * 0.8, y + drop),
            ]
        ),
        "chin": y + drop + 6,
        "y": y,
        "wide": wide,
        "middle": (h.breed.nose[0] + y) / 2 + 2,
    }


def whiskers(h: Head) -> dict[str, Any] | None:
    """Long white hairs from both pads, and the rows of dots that they grow from."""
    if not h.breed.whiskers:
        return None
    y, wide = h.breed.mouth
    middle = (h.breed.nose[0] + y) / 2 + 3
    hairs, dots = [], []
    for s in (-1, 1):
        for k in range(5):
            a, b, _c, _d = h.rows[100 + k + 5 * (s + 1)]
            x0, y0 = s * wide * mix(0.62, 0.95, a), middle + (k - 2) * 4.2
            reach = mix(58, 84, b) * h.breed.whiskers
            hairs.append(
                line([(x0, y0), (x0 + s * reach * 0.55, y0 + (k - 2.6) * 5), (x0 + s * reach, y0 + (k - 2) * 9 + 6)])
            )
            dots.append((s * wide * (0.4 + 0.13 * (k % 3)), middle + (k - 2) * 3.6))
    light = luminance(h.base) > 205
    return {
        "hairs": hairs,
        "dots": dots,
        "colour": "#b9b2ac" if light else "#fdfcf8",
        "dot": text(blend(h.coat.deep, h.base, 0.2)),
    }
