"""The squares of a cell's page, cut out of few pictures: every source once, and of a true edit only what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from bridgebench.eval.records.details import Details, Kind
from bridgebench.eval.records.pictures import Images
from bridgebench.reports.figures import heat
from bridgebench.templates.grids import png_bytes
from PIL import Image

_TALLEST = 8192  # pixels: browsers may show a taller picture scaled down


@dataclass(frozen=True)
class Layer:
    """A square cut out of a picture: the one at `place` of `of`, counted from 0, along its longer side."""

    picture: str
    place: int = 0
    of: int = 1

    @property
    def at(self) -> str:
        """The CSS position at which a square window onto the picture shows this square."""
        return f"{100 * self.place / max(self.of - 1, 1):.7g}%"


@dataclass(frozen=True)
class Tile:
    """A square of the page: layers one over the other, the upper ones transparent where they change nothing."""

    layers: tuple[Layer, ...]
    alt: str


class Faces:
    """Sources and references of all cells: each of them once, by the image's id, on a few tall pictures."""

    def __init__(self, found: Iterable[tuple[Details, Mapping[Kind, Images]]]) -> None:
        faces: dict[str, Images] = {}
        for details, pictures in found:
            for number, reading in enumerate(details.ranked):
                faces.setdefault(reading.id, pictures["source"][number])
                if reading.reference is not None:
                    faces.setdefault(reading.reference, pictures["reference"][number])
        self.files: dict[str, bytes] = {}
        self.layers: dict[str, Layer] = {}
        names = sorted(faces)
        most = max(1, _TALLEST // len(faces[names[0]])) if names else 1
        for start in range(0, len(names), most):
            path, sheet = f"cells/faces-{start // most + 1}.png", names[start : start + most]
            self.files[path] = column_png([faces[name] for name in sheet])
            self.layers.update({name: Layer(path, number, len(sheet)) for number, name in enumerate(sheet)})


def column_png(images: Iterable[Images]) -> bytes:
    """Squares one below the other as a PNG file."""
    return png_bytes(Image.fromarray(np.concatenate(list(images))))


def patches_png(sources: Images, truths: Images) -> bytes:
    """What true edits change, one below the other: a PNG that is transparent where the source stays as it is."""
    kept = np.any(sources != truths, axis=3)
    patches = np.concatenate([truths * kept[..., None], kept[..., None] * np.uint8(255)], axis=3)
    return column_png(patches)


def heat_png(edits: Images, compared: Images) -> bytes:
    """The difference maps of edits, one below the other."""
    return heat.png(np.concatenate([heat.levels(*pair) for pair in zip(edits, compared, strict=True)]))


def copies(pictures: Mapping[Kind, Images]) -> list[Kind | None]:
    """For each edit, the kind of picture that it equals to the last bit, if any: then it need not be kept again."""
    kinds: tuple[Kind, ...] = ("source", "truth", "reference")
    return [
        next((kind for kind in kinds if kind in pictures and np.array_equal(pictures[kind][number], edit)), None)
        for number, edit in enumerate(pictures["edit"])
    ]
