"""The colours of the page keep WCAG AA (4.5 : 1 for text), in the light and in the dark, on every shade."""

from __future__ import annotations

import re

import pytest

from bridgebench.reports.tables.tables import SHADES
from bridgebench.templates import environment

Colour = tuple[float, float, float]


def palettes() -> dict[str, dict[str, str]]:
    """The custom properties of the style sheet: those of the light page, and the dark ones over them."""
    loader = environment().loader
    assert loader is not None
    blocks = re.findall(r":root \{(.*?)\}", loader.get_source(environment(), "report.css")[0], re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+): ([^;]+);", block)) for block in blocks[:2])
    return {"light": light, "dark": {**light, **dark}}


def colour(text: str) -> Colour:
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def luminance(rgb: Colour) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [c / 255 for c in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, two: Colour) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read(name: str) -> None:
    palette = palettes()[name]
    for ground in ("paper", "surface", "foreign", "warn"):
        for text in ("ink", "muted", "accent") if ground != "warn" else ("ink",):
            assert contrast(colour(palette[text]), colour(palette[ground])) >= 4.5, (text, ground)
    step = float(palette["heat-step"].rstrip("%")) / 100
    for shade in range(SHADES + 1):
        pairs = zip(colour(palette["heat"]), colour(palette["surface"]), strict=True)
        red, green, blue = (shade * step * heat + (1 - shade * step) * plain for heat, plain in pairs)
        for text in ("ink", "small"):
            assert contrast(colour(palette[text]), (red, green, blue)) >= 4.5, (text, shade)
