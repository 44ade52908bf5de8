"""Preview sheet of a data set: samples with their labels, and rows of true edits if the data set has them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import Profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes

_PAPER, _INK = (250, 249, 246), (60, 58, 56)
_COLUMNS = 10
_TILE = 144
_LINE = 13
_CAPTION_LINES = 4
_GAP = 8
_FLIP_ROWS = 4
_COUNT = 30

_SHORT = {
    "Mouth_Slightly_Open": "Open mouth",
    "Receding_Hairline": "Receding",
    "Black_Hair": "Black",
    "Blond_Hair": "Blond",
    "Brown_Hair": "Brown",
    "Gray_Hair": "Gray",
    "No_Beard": "No beard",
}


def preview(profile: Profile, out: Path, data_root: Path | None = None) -> Path:
    """Write the sheet of a profile's test images to `out` and return its path.

    Raises UserError if the data cannot be opened, `out` cannot be written, or its ending is no image format.
    """
    kind = Image.registered_extensions().get(out.suffix.lower())
    if kind is None:
        raise UserError(f"'{out.suffix}' is not an ending of an image file; name {out.stem}.png or the like.")
    content = io.BytesIO()
    preview_sheet(open_split(profile, "test", data_root=data_root, limit=_COUNT), _COUNT).save(content, format=kind)
    write_bytes(out, content.getvalue())
    return out


def preview_sheet(face_set: ImageSet, count: int) -> Image.Image:
    """The first `count` images with their labels; for a set with true edits, also rows with a source and its flips."""
    count = min(count, len(face_set))
    space, labels = face_set.space, face_set.labels[:count]
    true_edits = _conversions if space.exclusive else _flips
    edited = [true_edits(face_set, index) for index in range(min(_FLIP_ROWS, count)) if face_set.has_truth]
    columns = max([_COLUMNS, *(len(texts) for _, texts in edited)])
    captions = [_caption(one, face_set.attributes) for one in labels]
    order = np.concatenate([space.rows(labels, part) for part in space.parts])  # a domain's images side by side
    starts = range(0, count, columns)
    rows = [(face_set.images[order[k : k + columns]], [captions[i] for i in order[k : k + columns]]) for k in starts]
    rows += edited
    heights = [_TILE + _GAP + _LINE * max(map(len, texts)) for _, texts in rows]
    wide = max(len(images) for images, _ in rows)
    sheet = Image.new("RGB", (wide * (_TILE + _GAP) + _GAP, sum(heights) + _GAP), _PAPER)
    y = _GAP
    for (images, texts), height in zip(rows, heights, strict=True):
        for column, (image, text) in enumerate(zip(images, texts, strict=True)):
            _put(sheet, np.asarray(image), text, _GAP + column * (_TILE + _GAP), y)
        y += height
    return sheet


def _flips(face_set: ImageSet, index: int) -> tuple[NDArray[np.uint8], list[list[str]]]:
    """The image and its true edit for each attribute flipped, with captions."""
    source = face_set.labels[index]
    targets = np.stack([face_set.space.target(source, name) for name in face_set.attributes])
    edits = face_set.true_edit([index] * len(targets), targets)
    signs = ["-" if on else "+" for on in source]
    captions = [[f"{sign} {_short(name)}"] for sign, name in zip(signs, face_set.attributes, strict=True)]
    return np.concatenate([face_set.images[[index]], edits]), [["source"], *captions]


def _conversions(face_set: ImageSet, index: int) -> tuple[NDArray[np.uint8], list[list[str]]]:
    """The image, its true conversions, and true conversions in the style of a reference, each beside the reference."""
    own = int(face_set.labels[index].argmax())
    images, captions = [face_set.images[index]], [[f"source: {face_set.attributes[own]}"]]
    for domain, name in enumerate(face_set.attributes):
        if domain == own:
            continue
        target = face_set.space.target(face_set.labels[[index]], name)
        images.append(face_set.true_edit([index], target)[0])
        captions.append([f"as {name}"])
        others = [k for k in range(len(face_set)) if face_set.labels[k, domain]]
        for reference in others[index : index + 1]:
            images += [face_set.images[reference], face_set.true_edit([index], target, [[(name, reference)]])[0]]
            captions += [[f"reference: {name}"], ["source as reference"]]
    return np.stack(images), captions


def _caption(labels: NDArray[np.uint8], attributes: tuple[str, ...]) -> list[str]:
    """The names of the labels that are on, in lines that fit below a tile."""
    lines = [""]
    for name in (_short(name) for name, on in zip(attributes, labels, strict=True) if on):
        if lines[-1] and len(lines[-1]) + len(name) > 22:
            lines.append("")
        lines[-1] += f", {name}" if lines[-1] else name
    return lines[:_CAPTION_LINES]


def _short(attribute: str) -> str:
    return _SHORT.get(attribute, attribute.replace("_", " "))


def _put(sheet: Image.Image, image: NDArray[np.uint8], caption: list[str], x: int, y: int) -> None:
    tile = Image.fromarray(image).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
    sheet.paste(tile, (x, y))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for k, text in enumerate(caption):
        draw.text((x, y + _TILE + 2 + k * _LINE), text, fill=_INK, font=font)
