"""Comparison grids: labelled rows and columns of images, as one lossless picture (the paper's Figures 14 to 19)."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_INK, _PAPER, _EMPTY = (28, 31, 36), (255, 255, 255), (236, 236, 232)
_GAP = 2
_FONT_SIZE = 14
_WIDEST_LABEL = 150


@dataclass(frozen=True)
class LabelledGrid:
    """What a figure shows: labels over the columns; of each row its label and its images, None where there is none."""

    name: str
    columns: list[str]
    rows: list[tuple[str, list[Image.Image | None]]]


def cut(strip: Image.Image) -> list[Image.Image]:
    """The square images of a strip, from left to right.

    Args:
        strip: H pixels high and a multiple of H wide.
    """
    side = strip.height
    return [strip.crop((i * side, 0, (i + 1) * side, side)) for i in range(strip.width // side)]


def strip(images: Sequence[Image.Image | None], side: int) -> Image.Image:
    """Images side by side without gaps, `side` pixels each; a missing one stays transparent."""
    complete = all(image is not None for image in images)
    out = Image.new("RGB" if complete else "RGBA", (side * len(images), side))
    for i, image in enumerate(images):
        if image is not None:
            out.paste(image.convert("RGB"), (i * side, 0))
    return out


def comparison_grid(
    rows: Sequence[tuple[str, Sequence[Image.Image | None]]], columns: Sequence[str], *, scale: int = 2
) -> Image.Image:
    """A picture with a label before every row and over every column.

    Args:
        rows: label and images of each row, all of one size; None leaves a grey square.
        columns: labels over the images; underscores and spaces may break a line.
        scale: every pixel becomes `scale` x `scale` equal pixels, so that small images stay crisp.

    Returns:
        An RGB image on white.

    Raises:
        ValueError: there is no image, or a row has not one image a column.
    """
    images = [image for _, row in rows for image in row if image is not None]
    if not images or any(len(row) != len(columns) for _, row in rows):
        raise ValueError(f"a comparison grid needs rows of {len(columns)} images, at least one of them not None")
    width, height = images[0].width * scale, images[0].height * scale
    heads = [wrap(label, width, _font().getlength) for label in columns]
    line = _FONT_SIZE + 3
    top = max(len(head) for head in heads) * line + 6
    names = [wrap(label, _WIDEST_LABEL, _font().getlength)[: max(1, height // line)] for label, _ in rows]
    left = round(max(_font().getlength(text) for name in names for text in name)) + 14
    size = (left + len(columns) * (width + _GAP), top + len(rows) * (height + _GAP))
    out = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(out)
    for column, head in enumerate(heads):
        for number, text in enumerate(reversed(head)):
            foot = (left + column * (width + _GAP) + width / 2, top - 5 - number * line)
            draw.text(foot, text, fill=_INK, font=_font(), anchor="ms")
    for number, (name, (_, row)) in enumerate(zip(names, rows, strict=True)):
        y = top + number * (height + _GAP)
        for place, text in enumerate(name):
            middle = y + height / 2 + (place - (len(name) - 1) / 2) * line
            draw.text((left - 8, middle), text, fill=_INK, font=_font(), anchor="rm")
        for column, image in enumerate(row):
            x = left + column * (width + _GAP)
            if image is None:
                draw.rectangle((x, y, x + width - 1, y + height - 1), fill=_EMPTY)
            else:
                out.paste(image.convert("RGB").resize((width, height), Image.Resampling.NEAREST), (x, y))
    return out


def png_bytes(image: Image.Image) -> bytes:
    """The image as a PNG file, without loss; the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans as matplotlib brings it, so that a grid looks the same on every machine."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), _FONT_SIZE)


def wrap(label: str, width: float, length: Callable[[str], float]) -> list[str]:
    """The label in lines of at most `width`, as `length` measures them; a word that is wider is cut short."""
    lines: list[str] = []
    for word in label.replace("_", " ").split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and length(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_clip(word, width, length))
    return lines or [""]


def _clip(word: str, width: float, length: Callable[[str], float]) -> str:
    """The word, or as much of it as fits with an ellipsis."""
    kept = word[: int(width)]  # no letter is narrower than a pixel
    while kept and length(kept if kept == word else kept + "…") > width:
        kept = kept[:-1]
    return kept if kept == word else kept + "…"
