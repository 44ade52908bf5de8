"""Fur: outlines with tufts, tapering stripes, soft spots, and the strokes of a coat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bridgebench.harness.data.drawn.colours import Colour, text
from bridgebench.harness.data.drawn.fields import Rows
from bridgebench.harness.data.drawn.geometry import Curve, Point, blob, mirror, mix, patch


@dataclass(frozen=True)
class Fill:
    """A filled path."""

    path: str
    colour: str
    strength: float = 1.0
    kind: ClassVar[str] = "fill"


@dataclass(frozen=True)
class Line:
    """A drawn path with round ends."""

    path: str
    colour: str
    width: float
    strength: float = 1.0
    kind: ClassVar[str] = "line"


@dataclass(frozen=True)
class Soft:
    """An ellipse that fades out towards its rim."""

    x: float
    y: float
    wide: float
    high: float
    colour: str
    strength: float = 1.0
    turn: float = 0.0
    kind: ClassVar[str] = "soft"


Mark = Fill | Line | Soft


def soft_pair(
    x: float, y: float, wide: float, high: float, colour: Colour, strength: float = 1, turn: float = 0
) -> list[Mark]:
    """The same soft spot on both sides."""
    return [Soft(s * x, y, wide, high, text(colour), strength, s * turn) for s in (-1, 1)]


def half_shape(points: Curve, colour: str, strength: float = 1.0) -> Fill:
    """A closed smooth shape that is the same on both sides, from its right half."""
    return Fill(blob([*points, *mirror([p for p in points if p[0] > 0.5])]), colour, strength)


def whole(half: Sequence[Point]) -> Curve:
    """A half outline from crown to chin as a ring, clockwise."""
    return [*half, *mirror(half)[1:-1]]


def dense(ring: Sequence[Point], step: float) -> Curve:
    """Points about `step` apart on the smooth closed curve (Catmull-Rom) through `ring`."""
    found: Curve = []
    count = len(ring)
    for i in range(count):
        a, b, c, d = (ring[(i + k - 1) % count] for k in range(4))
        parts = max(round(math.dist(b, c) / step), 1)
        for j in range(parts):
            t = j / parts
            w = (
                -0.5 * t + t * t - 0.5 * t**3,
                1 - 2.5 * t * t + 1.5 * t**3,
                0.5 * t + 2 * t * t - 1.5 * t**3,
                -0.5 * t * t + 0.5 * t**3,
            )
            found.append(
                (
                    w[0] * a[0] + w[1] * b[0] + w[2] * c[0] + w[3] * d[0],
                    w[0] * a[1] + w[1] * b[1] + w[2] * c[1] + w[3] * d[1],
                )
            )
    return found


def furry(
    ring: Sequence[Point],
    rows: Rows,
    length: float | Callable[[float], float],
    step: float = 9.0,
    fall: float = 0.5,
) -> str:
    """A closed path along a clockwise ring with a tuft of hair about every `step` units.

    length: how far the tufts stand out, or that as a function of the height y; fall: how much they lean downwards
    instead of straight out.
    """
    points = dense(ring, step)
    parts = ["M{:.1f} {:.1f}".format(*points[0])]
    for i, (x, y) in enumerate(points):
        nx, ny = points[(i + 1) % len(points)]
        a, b, _c, _d = rows[i % len(rows)]
        along = math.hypot(nx - x, ny - y) or 1.0
        out_x, out_y = (ny - y) / along, -(nx - x) / along
        reach = (length(y) if callable(length) else length) * (0.4 + 0.8 * a)
        place = 0.5 + 0.6 * b
        tip_x = x + (nx - x) * place + out_x * reach
        tip_y = y + (ny - y) * place + (out_y + fall) * reach
        up = (0.5 * (x + tip_x) + 0.25 * out_x * reach, 0.5 * (y + tip_y) + 0.25 * (out_y - 0.3 * fall) * reach)
        back = (0.5 * (nx + tip_x) + 0.1 * out_x * reach, 0.5 * (ny + tip_y) + 0.1 * out_y * reach)
        parts.append(
            "Q{:.1f} {:.1f} {:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}".format(*up, tip_x, tip_y, *back, nx, ny)
        )
    return "".join(parts) + "Z"


def stripe(points: Sequence[Point], width: float, blunt: float = 0.0) -> str:
    """A stripe along an open polyline, widest in the middle; `blunt` (0 to 1) keeps its start that wide."""
    last = len(points) - 1
    left: Curve = []
    right: Curve = []
    for i, (x, y) in enumerate(points):
        ax, ay = points[max(i - 1, 0)]
        bx, by = points[min(i + 1, last)]
        along = math.hypot(bx - ax, by - ay) or 1.0
        t = i / last
        half = 0.5 * width * max(math.sin(math.pi * t) ** 0.8, blunt * (1 - t))
        left.append((x + (by - ay) / along * half, y - (bx - ax) / along * half))
        right.append((x - (by - ay) / along * half, y + (bx - ax) / along * half))
    return patch(left, right[::-1])


def coat_strokes(rows: Rows, centre: Point, wide: float, high: float, length: float, middle: float) -> str:
    """Short hairs over an ellipse around (0, middle), each pointing away from `centre` and a little down."""
    parts = []
    for a, b, c, d in rows:
        angle, radius = 2 * math.pi * a, math.sqrt(b)
        x, y = wide * radius * math.cos(angle), middle + high * radius * math.sin(angle)
        dx, dy = x - centre[0], y - centre[1]
        far = math.hypot(dx, dy) + 14
        reach = length * mix(0.6, 1.2, c)
        parts.append(f"M{x:.1f} {y:.1f}l{dx / far * reach + (d - 0.5) * 2:.1f} {dy / far * reach + 0.25 * reach:.1f}")
    return "".join(parts)
