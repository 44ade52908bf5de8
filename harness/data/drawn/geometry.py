"""Curves for the drawing: smooth paths through points, written as SVG path data."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]
Curve = list[Point]


def _pair(point: Point) -> str:
    """One decimal: short to parse, and blind to the last bits of a platform's floats."""
    return "{:.1f} {:.1f}".format(*point)


def _bends(points: Sequence[Point], before: Point, after: Point) -> str:
    """Catmull-Rom through `points` as cubic Beziers, from the first (not written) to the last."""
    padded = [before, *points, after]
    parts = []
    for i in range(1, len(padded) - 2):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = padded[i - 1 : i + 3]
        first = (bx + (cx - ax) / 6, by + (cy - ay) / 6)
        second = (cx - (dx - bx) / 6, cy - (dy - by) / 6)
        parts.append("C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}".format(*first, *second, cx, cy))
    return "".join(parts)


def line(points: Sequence[Point]) -> str:
    """An open smooth path through the points."""
    return f"M{_pair(points[0])}{_bends(points, points[0], points[-1])}"


def blob(points: Sequence[Point]) -> str:
    """A closed smooth path through the points, without a corner."""
    ring = [*points, points[0]]
    return f"M{_pair(points[0])}{_bends(ring, points[-1], points[1])}Z"


def patch(*curves: Sequence[Point]) -> str:
    """A closed path of smooth curves that meet in corners."""
    text = f"M{_pair(curves[0][0])}"
    for i, points in enumerate(curves):
        if i:
            text += f"L{_pair(points[0])}"
        text += _bends(points, points[0], points[-1])
    return text + "Z"


def mirror(points: Sequence[Point]) -> Curve:
    """The points on the other side of x = 0, in reverse order, so that a half goes on as a whole."""
    return [(-x, y) for x, y in reversed(points)]


def flip_side(points: Sequence[Point], side: int) -> Curve:
    """The points as they are for side 1, with x negated for side -1."""
    return [(x * side, y) for x, y in points]


def mix(a: float, b: float, share: float) -> float:
    """`a` at share 0, `b` at share 1."""
    return a + (b - a) * share


def between(inner: Sequence[Point], outer: Sequence[Point], share: float) -> Curve:
    """The curve that lies `share` of the way from `inner` to `outer` (same number of points)."""
    return [(mix(a, c, share), mix(b, d, share)) for (a, b), (c, d) in zip(inner, outer, strict=True)]


def stretch(points: Sequence[Point], start: float, end: float, count: int = 5) -> Curve:
    """`count` points on the polyline, from place `start` to `end` (0 = first point, 1 = last)."""
    last = len(points) - 1
    found = []
    for i in range(count):
        place = min(max(mix(start, end, i / (count - 1)), 0.0), 1.0) * last
        k = min(int(place), last - 1)
        (ax, ay), (bx, by) = points[k], points[k + 1]
        found.append((mix(ax, bx, place - k), mix(ay, by, place - k)))
    return found
