"""Labelled grids of images, as a lossless picture or as a PDF (the paper's Figures 6 to 19)."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_INK, _PAPER, _EMPTY = (28, 31, 36), (255, 255, 255), (236, 236, 232)
_GAP = 2
_FONT_SIZE = 14
_WIDEST_LABEL = 150
# Of a PDF, in points: the side of a tile, the space between two, the size of the letters, the room for labels of rows.
_PDF_TILE, _PDF_GAP, _PDF_SIZE, _PDF_LEFT = 40.0, 0.8, 6.0, 74.0


@dataclass(frozen=True)
class LabelledGrid:
    """A grid to be drawn: labels over the columns; of each row its label and its images, None where there is none."""

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


def grid_pdf(rows: Sequence[tuple[str, Sequence[Image.Image | None]]], columns: Sequence[str]) -> bytes:
    """The same as a PDF file of one page; the same bytes every time.

    Every pixel of the images is kept; labels are text in a font that lies in the file.

    Args:
        rows: label and images of each row, all of one size; None leaves a grey square.
        columns: labels over the images; underscores and spaces may break a line.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import Rectangle

    step, line = _PDF_TILE + _PDF_GAP, _PDF_SIZE + 1
    heads = [wrap(label, _PDF_TILE, _points) for label in columns]
    top = max(len(head) for head in heads) * line + 4
    width, height = _PDF_LEFT + len(columns) * step, top + len(rows) * step
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    font = FontProperties(fname=_font_file(), size=_PDF_SIZE)

    def write(text: str, x: float, y: float, align: str) -> None:
        axes.text(x, y, text, ha=align, va="baseline", fontproperties=font, parse_math=False, usetex=False)

    for number, head in enumerate(heads):
        for place, text in enumerate(reversed(head)):
            write(text, _PDF_LEFT + number * step + _PDF_TILE / 2, height - top + 4 + place * line, "center")
    for number, (label, images) in enumerate(rows):
        foot = height - top - (number + 1) * step + _PDF_GAP
        lines = wrap(label, _PDF_LEFT - 8, _points)
        base = foot + _PDF_TILE / 2 - _PDF_SIZE / 3 + (len(lines) - 1) / 2 * line
        for place, text in enumerate(lines):
            write(text, _PDF_LEFT - 5, base - place * line, "right")
        for place, image in enumerate(images):
            x = _PDF_LEFT + place * step
            if image is None:
                grey = tuple(part / 255 for part in _EMPTY)
                axes.add_patch(Rectangle((x, foot), _PDF_TILE, _PDF_TILE, facecolor=grey, linewidth=0))
            else:
                square = (x, x + _PDF_TILE, foot, foot + _PDF_TILE)
                pixels = np.flipud(np.asarray(image.convert("RGB")))  # matplotlib turns it again: it lies upright
                axes.imshow(pixels, origin="lower", extent=square, interpolation="none", aspect="auto")
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    buffer = io.BytesIO()
    # Type 42 keeps a font's outlines and its letters; images that are put together into one would be resampled.
    with rc_context({"pdf.fonttype": 42, "image.composite_image": False}):
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def png_bytes(image: Image.Image) -> bytes:
    """The image as a PNG file, without loss; the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def can_draw_pdf() -> bool:
    """Whether matplotlib is there, which draws grids as PDF."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans, or where matplotlib is not installed, the font that Pillow brings."""
    return ImageFont.truetype(_font_file(), _FONT_SIZE) if can_draw_pdf() else ImageFont.load_default(_FONT_SIZE)


def _font_file() -> str:
    """DejaVu Sans as matplotlib brings it, so that a grid looks the same on every machine."""
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


def _points(text: str) -> float:
    """How wide a PDF sets a text, in points."""
    return _font().getlength(text) * _PDF_SIZE / _FONT_SIZE


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
