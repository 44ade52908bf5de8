"""Colours as triples of grey levels, and how they are mixed and written."""

from __future__ import annotations

from collections.abc import Sequence

Colour = tuple[float, float, float]


def text(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#" + "".join(f"{min(max(round(v), 0), 255):02x}" for v in colour)


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """`a` at share 0, `b` at share 1."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def ramp(colours: Sequence[Colour], place: float) -> Colour:
    """The colour at `place` (0 to 1) of an even ramp."""
    at = place * (len(colours) - 1)
    k = min(int(at), len(colours) - 2)
    return blend(colours[k], colours[k + 1], at - k)


def luminance(colour: Colour) -> float:
    """Luma of ITU-R BT.601, 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
