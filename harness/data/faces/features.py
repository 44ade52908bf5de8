"""Eyes, brows, nose and mouth."""

from __future__ import annotations

from typing import Any

from bridgebench.harness.data.drawn.geometry import Curve, flip_side, line, mirror, mix, patch
from bridgebench.harness.data.faces.head import MOUTH_Y
from bridgebench.harness.data.faces.identity import Identity

EYE_Y = 129.0


def eyes(who: Identity, male: bool) -> list[dict[str, Any]]:
    """Both eyes: opening, lids, lashes, and the centre and radius of the iris."""
    found = []
    for side in (-1, 1):
        cx = (25.5 + who.eye_gap) * side
        size = who.eye_size
        w, up, low = 12.6 * size, 7.2 * size, 4.8 * size
        slant = who.eye_slant
        # from the inner to the outer corner
        upper: Curve = [(-w, 1.5), (-w * 0.5, -up * 0.72), (w * 0.1, -up), (w * 0.65, -up * 0.6), (w, -slant)]
        lower: Curve = [(w, -slant), (w * 0.5, low * 0.85), (-w * 0.2, low), (-w, 1.5)]

        def put(points: Curve, side: int = side, cx: float = cx) -> Curve:
            return [(cx + x * side, EYE_Y + y) for x, y in points]

        crease = [(x * 1.02, y - mix(2.8, 4.4, who.lid)) for x, y in upper]
        found.append(
            {
                "opening": patch(put(upper), put(lower)),
                "lid": line(put(upper)),
                "crease": line(put(crease)),
                "lower": line(put(lower)),
                "lash": "" if male else patch(
                    put([*upper[1:], (w + 4.5, -slant - 4)]),
                    put([(w + 1, -slant + 0.6), (w * 0.6, -up * 0.42), (w * 0.1, -up * 0.75), (-w * 0.5, -up * 0.6)]),
                ),
                "cx": cx,
                "cy": EYE_Y - 1.2 * size,
                "r": 6.3 * size,
            }
        )  # fmt: skip
    return found


def brows(who: Identity, male: bool) -> list[str]:
    """A tapered brow above each eye: heavy and flat on a man, thin and arched on a woman."""
    y = EYE_Y - (17.0 if male else 20.0) - who.brow_height * (0.6 if male else 1.0)
    arch = mix(1.5, 3.5, who.brow_arch) + (0 if male else 0.6)
    thick = mix(6.0, 7.8, who.male_brow) if male else 3.6
    top: Curve = [(10, y - 0.6), (20, y - arch * 0.9), (31, y - arch), (42, y + 2.5)]
    low: Curve = [(42, y + 2.7), (31, y - arch + thick * 0.72), (20, y - arch * 0.9 + thick), (10.5, y - 0.6 + thick)]
    return [patch([(x * s, v) for x, v in top], [(x * s, v) for x, v in low]) for s in (-1, 1)]


def nose(who: Identity, light: int) -> dict[str, Any]:
    """The shaded side (away from the light), the ball, wings and nostrils."""
    w, y = 9.5 * who.nose_width, 160 + who.nose_length
    s = -light
    bridge: Curve = [(6.5, 117), (4.5, 132), (5, 146), (w + 1, y - 3)]
    ridge: Curve = [(w * 0.7, y + 1.5), (2, y - 1), (1.5, 144), (1, 128)]
    wing: Curve = [(w * 0.55, y + 1), (w - 0.5, y), (w, y - 4)]
    shadow: Curve = [(w * 0.5, y + 1), (w, y - 2)]
    return {
        "shade": patch(flip_side(bridge, s), flip_side(ridge, s)),
        "base": line([*mirror(wing), (0, y + 3.2), *wing]),
        "under": patch([*mirror(shadow), (0, y + 3), *shadow], [(w * 0.55, y + 5), (0, y + 7), (-w * 0.55, y + 5)]),
        "y": y,
    }


def mouth(who: Identity, male: bool, smiling: bool, is_open: bool, old: bool) -> dict[str, Any]:
    """Lips, line or opening, teeth and tongue; and how far corners and centre moved, for the beard around them."""
    if smiling:
        w = mix(25, 30, who.smile_width)
        corner = -mix(8.0, 11.0, who.smile)
        middle = mix(2.0, 3.5, who.smile) - (2.5 if is_open else 0)
    else:
        w = (15.5 if is_open else 18.5) + (1.0 if male else 0)
        corner = 1.0 if is_open else 2.2
        middle = -3.5 if is_open else 0.0
    gap = mix(9.5, 13.0, who.opening) if is_open else 0.0
    full = mix(0.0, 2.0, who.lips) - (1.3 if male else 0) - (1.0 if old else 0)
    upper, lower = 4.2 + full, 5.6 + full
    y = MOUTH_Y

    def row(center: float, half: float, ends: float, dip: float = 0.0) -> Curve:
        """From corner to corner through the centre; `dip` lowers the very middle (the cupid's bow)."""
        side = mix(ends, center, 0.72)
        return [(-half, y + ends), (-half * 0.55, y + side), (-half * 0.2, y + center), (0, y + center + dip),
                (half * 0.2, y + center), (half * 0.55, y + side), (half, y + ends)]  # fmt: skip

    inner = w - (2.0 if is_open else 0.0)
    top_out = row(middle - upper, w, corner, 1.3)
    top_in = row(middle, inner, corner)
    low_in = row(middle + gap, inner, corner)
    low_out = row(middle + gap + lower, w, corner)
    teeth_low = row(middle + (gap * 0.56 if smiling else gap * 0.36), inner - 1, corner + 0.8)
    return {
        "upper": patch(top_out, list(reversed(top_in))),
        "lower": patch(low_in, list(reversed(low_out))),
        "line": line(top_in),
        "hole": patch(top_in, list(reversed(low_in))) if is_open else "",
        "teeth": patch(top_in, list(reversed(teeth_low))) if is_open else "",
        "tongue_y": y + middle + gap + 2.0,
        "shine_y": y + middle + gap + lower * 0.45,
        "under_y": y + middle + gap + lower + 4.5,
        "cheeks": [line([(s * (w + 2), y + corner - 8), (s * (w + 6.5), y + corner), (s * (w + 4), y + corner + 8)])
                   for s in (-1, 1)] if smiling else [],
        "open": is_open,
        "half": w,
        "corner": corner,
        "top": middle - upper,
        "bottom": middle + gap + lower,
    }  # fmt: skip
