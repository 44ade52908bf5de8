"""The comparison grids of a page, put together from the sample strips of a run directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from PIL import Image, UnidentifiedImageError

from methods.errors import UserError
from reports import heat
from reports.grids import comparison_grid, cut, png_bytes, strip
from reports.records import MODES, Mode, Run
from reports.results import MODE_TITLES

FACES = 6  # Figures 14 to 19 of the paper show six
Tiles = list[Image.Image]
_Row = tuple[str, str, dict[str, Tiles], str]


@dataclass(frozen=True)
class GridRow:
    """A row of a grid.

    Attributes:
        title: its label.
        group: what it is: "given" (references), "method", "truth" or "control".
        picture: all its tiles side by side.
        present: which tiles there are.
        method: the method's name; empty where it is none.
        heat: how its tiles differ from the true edits, or from the source where there are none; only of a method.
    """

    title: str
    group: str
    picture: str
    present: tuple[bool, ...]
    method: str = ""
    heat: str = ""

    @property
    def complete(self) -> bool:
        """Whether every tile is there."""
        return all(self.present)


@dataclass(frozen=True)
class Grid:
    """One face: its source picture and a row for the references, every method, the truth and every control."""

    face: int
    source: str
    rows: list[GridRow]


@dataclass(frozen=True)
class GridSet:
    """The grids of one mode, and the same (its first face) as one labelled picture to download.

    Attributes:
        truth: whether there are true edits, to which the heat maps then compare.
    """

    mode: Mode
    title: str
    columns: list[str]
    grids: list[Grid]
    picture: str
    truth: bool


class Figures:
    """Cuts the strips and keeps the pictures of the page.

    Attributes:
        files: every picture made so far: path inside the page's folder -> PNG.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.side = run.record.data.image_size
        self.files: dict[str, bytes] = {}

    def grid_sets(self) -> list[GridSet]:
        """The grids of every mode that has samples."""
        source = self.run.folder / "samples" / "source.png"
        if not source.is_file():
            return []
        faces = self._tiles(source)[:FACES]
        return [found for mode in MODES if (found := self._grid_set(mode, faces)) is not None]

    def _grid_set(self, mode: Mode, faces: Tiles) -> GridSet | None:
        rows = self._rows(mode)
        if not any(group != "given" for _, group, _, _ in rows):
            return None
        columns = self.run.columns
        found = next((strips for _, group, strips, _ in rows if group == "truth"), {})
        truth = found if all(len(found.get(c, [])) >= len(faces) for c in columns) else {}
        grids = []
        for face, image in enumerate(faces):
            source = self._keep(f"grids/source-{face + 1}.png", image)
            made = []
            for number, (title, group, strips, method) in enumerate(rows):
                tiles = [strips[c][face] if face < len(strips.get(c, [])) else None for c in columns]
                path = self._keep(f"grids/{mode}-{face + 1}-{number + 1}.png", strip(tiles, self.side))
                difference = ""
                if method:
                    compared = [truth[c][face] for c in columns] if truth else [image] * len(columns)
                    difference = self._keep_heat(
                        f"grids/{mode}-{face + 1}-{number + 1}-difference.png", tiles, compared
                    )
                made.append(GridRow(title, group, path, tuple(tile is not None for tile in tiles), method, difference))
            grids.append(Grid(face + 1, source, made))
        picture = self._keep(f"grids/{mode}.png", self._labelled(faces[0], rows))
        return GridSet(mode, MODE_TITLES[mode], [self.run.spoken(c) for c in columns], grids, picture, bool(truth))

    def _labelled(self, source: Image.Image, rows: list[_Row]) -> Image.Image:
        columns = self.run.columns
        pictures = [
            (title, [source, *(strips[c][0] if strips.get(c) else None for c in columns)])
            for title, _, strips, _ in rows
        ]
        return comparison_grid(
            pictures, ["Source", *(self.run.spoken(c) for c in columns)], scale=max(1, round(96 / self.side))
        )

    def _rows(self, mode: Mode) -> list[_Row]:
        """(label, group, tiles by column, method): the references, the methods, the truth, then the controls."""
        samples, methods = self.run.folder / "samples", self.run.record.methods
        by_name = _named_folders(samples)
        truth = self._strips(samples / "truth" / mode)
        rows = [("Reference", "given", self._strips(samples / "reference"), "")] if mode == "reference" else []
        controls: list[_Row] = []
        for name in self.run.methods:
            if (name == "oracle" and truth) or name not in by_name:
                continue
            row = (methods[name].title, methods[name].kind, self._strips(by_name[name] / mode), name)
            (rows if methods[name].kind == "method" else controls).append(row)
        return [row for row in [*rows, ("True edit", "truth", truth, ""), *controls] if row[2]]

    def _strips(self, folder: Path) -> dict[str, Tiles]:
        """The tiles of every strip in a folder, by attribute; files are named by attribute, percent-quoted."""
        if not folder.is_dir():
            return {}
        return {unquote(path.stem): self._tiles(path) for path in sorted(folder.glob("*.png"))}

    def _tiles(self, path: Path) -> Tiles:
        try:
            with Image.open(path) as opened:
                picture = opened.convert("RGB")
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UserError(f"{path} is damaged ({error}); delete it and run `bridgebench benchmark` again.") from error
        if picture.height != self.side or picture.width % self.side:
            raise UserError(
                f"{path} is {picture.width} x {picture.height} pixels, not a strip of {self.side} pixel squares; "
                "delete it and run `bridgebench benchmark` again."
            )
        return cut(picture)

    def _keep(self, path: str, image: Image.Image) -> str:
        if path not in self.files:
            self.files[path] = png_bytes(image)
        return path

    def _keep_heat(self, path: str, tiles: Sequence[Image.Image | None], compared: Tiles) -> str:
        steps = [
            np.full((self.side, self.side), heat.MISSING)
            if tile is None
            else heat.levels(np.asarray(tile), np.asarray(like))
            for tile, like in zip(tiles, compared, strict=True)
        ]
        self.files[path] = heat.png(np.concatenate(steps, axis=1))
        return path


def _named_folders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by the names they stand for (on disk they are percent-quoted)."""
    return {unquote(path.name): path for path in sorted(folder.iterdir()) if path.is_dir()}
