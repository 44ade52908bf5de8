"""Grids of images as PDF: every pixel kept, labels as text; one page, the same bytes every time."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from bridgebench.templates.grids import wrap
from PIL import Image

_TILE = 40.0  # points
_GAP = 0.8
_SIZE = 7.0  # of the letters
_LEFT = 74.0


def grid_pdf(rows: Sequence[tuple[str, Sequence[Image.Image | None]]], columns: Sequence[str]) -> bytes:
    """A page with a label before every row and over every column, as `comparison_grid` draws it.

    Args:
        rows: label and images of each row, all of one size; None leaves a grey square.
        columns: labels over the images.

    Returns:
        A PDF file. Letters that Latin-1 lacks are printed as a question mark, an arrow as "to".
    """
    heads = [wrap(label, _TILE, _width) for label in columns]
    top = max(len(head) for head in heads) * (_SIZE + 1) + 4
    width, height = _LEFT + len(columns) * (_TILE + _GAP), top + len(rows) * (_TILE + _GAP)
    drawn: list[str] = []
    images: list[Image.Image] = []
    for number, head in enumerate(heads):
        middle = _LEFT + number * (_TILE + _GAP) + _TILE / 2
        for line, text in enumerate(reversed(head)):
            drawn.append(_text(text, middle - _width(text) / 2, height - top + 4 + line * (_SIZE + 1)))
    for number, (label, tiles) in enumerate(rows):
        y = height - top - (number + 1) * (_TILE + _GAP) + _GAP
        lines = wrap(label, _LEFT - 8, _width)
        for line, text in enumerate(lines):
            base = y + _TILE / 2 - _SIZE / 3 + ((len(lines) - 1) / 2 - line) * (_SIZE + 1)
            drawn.append(_text(text, _LEFT - 5 - _width(text), base))
        for place, tile in enumerate(tiles):
            x = _LEFT + place * (_TILE + _GAP)
            if tile is None:
                drawn.append(f"0.925 g {x:.2f} {y:.2f} {_TILE} {_TILE} re f 0 g")
            else:
                drawn.append(f"q {_TILE} 0 0 {_TILE} {x:.2f} {y:.2f} cm /I{len(images)} Do Q")
                images.append(tile)
    return _file("\n".join(drawn), images, width, height)


def _file(content: str, images: Sequence[Image.Image], width: float, height: float) -> bytes:
    names = " ".join(f"/I{i} {i + 6} 0 R" for i in range(len(images)))
    resources = f"<< /Font << /F 5 0 R >> /XObject << {names} >> >>"
    box = f"[0 0 {width:.2f} {height:.2f}]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R /Resources {resources} >>".encode(),
        _stream("", content.encode("cp1252", "replace")),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *(_image(image) for image in images),
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _image(image: Image.Image) -> bytes:
    """Rows of pixels, each pixel as its difference to the one before (PNG's predictor 1), which packs smaller."""
    pixels = np.asarray(image.convert("RGB"))
    height, width, _ = pixels.shape
    rows = np.diff(pixels, axis=1, prepend=np.zeros((height, 1, 3), np.uint8)).reshape(height, 3 * width)
    facts = (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8 "
        f"/Interpolate false /DecodeParms << /Predictor 15 /Colors 3 /Columns {width} >>"
    )
    return _stream(facts, np.insert(rows, 0, 1, axis=1).tobytes())


def _stream(facts: str, data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    return f"<< {facts} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode() + packed + b"\nendstream"


def _text(text: str, x: float, y: float) -> str:
    escaped = text.replace("→", "to").replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F {_SIZE} Tf {x:.2f} {y:.2f} Td ({escaped}) Tj ET"


def _width(text: str) -> float:
    """About as wide as Helvetica sets it."""
    return sum(_SIZE * (0.28 if letter in "ijlt.,:;I|!' " else 0.83 if letter in "mwMW" else 0.56) for letter in text)
