"""The comparison grids of a run: the first test images, edited by every method, put together from the stored strips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from bridgebench.eval.records.pictures import open_picture
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.figures import heat
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.templates.grids import LabelledGrid, can_draw_pdf, comparison_grid, cut, grid_pdf, png_bytes, strip

FACES = 6  # Figures 14 to 19 of the paper show six
_BLANK = (224, 224, 224)  # in the place of an image that is not shown
Tiles = list[Image.Image]
ByColumn = dict[str, Tiles]


@dataclass(frozen=True)
class _Row:
    """A row of every face: label, group, tiles by column, the method's name, and what its edits are compared with."""

    title: str
    group: str
    strips: ByColumn
    method: str = ""
    truth: ByColumn = field(default_factory=dict)


@dataclass(frozen=True)
class GridRow:
    """A row of a grid.

    Attributes:
        title: its label.
        group: what it is: "source" (of conversions), "given" (references), "method", "truth" or "control".
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
    """One face: its source picture and a row for the references, every method, the truth and every control.

    In a run of conversions every column has its own source: the sources are a row, and `source` is the first of them.
    """

    face: int
    source: str
    rows: list[GridRow]


@dataclass(frozen=True)
class GridSet:
    """The grids of one mode, and the grid of the first face as one labelled picture to download.

    Attributes:
        pdf: the same as a PDF; empty where nothing draws one here.
        truth: whether there are true edits, to which the heat maps then compare.
        shared: whether all columns have the same source.
        scale, highest: the colours of the heat maps, and the percentage of the last one.
    """

    mode: Mode
    title: str
    columns: list[str]
    grids: list[Grid]
    picture: str
    pdf: str
    truth: bool
    shared: bool
    scale: str = heat.SCALE
    highest: int = round(heat.HIGHEST)


class ComparisonGrids:
    """The comparison grids of a run, cut out of its stored strips.

    Attributes:
        files: the pictures made so far, PNG or PDF, by their paths inside the folder of pages.
        faces: how many sources are shown, at most; None: `FACES`.
    """

    def __init__(self, run: Run, faces: int | None = None) -> None:
        self.run = run
        self.faces = FACES if faces is None else faces
        self.side = run.record.data.image_size
        self.shared = len(run.space.parts) == 1  # every column edits the same sources
        self.files: dict[str, bytes] = {}

    def grid_sets(self) -> list[GridSet]:
        """The grids of every mode that has samples."""
        sources = self._sources()
        if not sources:
            return []
        return [found for mode in MODES if (found := self._grid_set(mode, sources)) is not None]

    def _sources(self) -> ByColumn:
        """The first test images, the same for every attribute; of conversions the first of each source domain."""
        directory, space = self.run.directory, self.run.space
        strips = self._strips(lambda column: directory.source_sample(space.change(column).source))
        if self.run.outputs_alone:
            blank = Image.new("RGB", (self.side, self.side), _BLANK)
            strips = {column: [blank] * len(tiles) for column, tiles in strips.items()}
        return {column: tiles[: self.faces] for column, tiles in strips.items()}

    def _grid_set(self, mode: Mode, sources: ByColumn) -> GridSet | None:
        rows = self._rows(mode, sources)
        if not any(row.method for row in rows):
            return None
        grids = []
        for face in range(max(len(tiles) for tiles in sources.values())):
            first = next(tiles[face] for tiles in sources.values() if face < len(tiles))
            source = self._keep(f"grids/source-{face + 1}.png", first)
            path = f"grids/{mode}-{face + 1}"
            made = [self._grid_row(row, f"{path}-{number}", face, sources) for number, row in enumerate(rows, 1)]
            grids.append(Grid(face + 1, source, made))
        grid = self._labelled_grid(mode, 0, sources, rows)
        picture = self._keep(
            f"grids/{mode}.png", comparison_grid(grid.rows, grid.columns, scale=max(1, round(96 / self.side)))
        )
        pdf = ""
        if can_draw_pdf():
            pdf = f"grids/{mode}.pdf"
            self.files[pdf] = grid_pdf(grid.rows, grid.columns)
        spoken = [self.run.spoken(column) for column in self.run.columns]
        truth = any(row.group == "truth" for row in rows)
        return GridSet(mode, MODE_TITLES[mode], spoken, grids, picture, pdf, truth, self.shared)

    def _grid_row(self, row: _Row, path: str, face: int, sources: ByColumn) -> GridRow:
        tiles, compared = self._of_face(row.strips, face), self._of_face(row.truth or sources, face)
        picture = self._keep(f"{path}.png", strip(tiles, self.side))
        heated = row.method and not self.run.outputs_alone
        difference = self._keep_heat(f"{path}-difference.png", tiles, compared) if heated else ""
        return GridRow(row.title, row.group, picture, tuple(tile is not None for tile in tiles), row.method, difference)

    def _of_face(self, strips: ByColumn, face: int) -> list[Image.Image | None]:
        return [strips[c][face] if face < len(strips.get(c, [])) else None for c in self.run.columns]

    def labelled(self) -> Iterator[LabelledGrid]:
        """The grid of every mode and face, to be drawn with labels."""
        sources = self._sources()
        for mode in MODES if sources else ():
            rows = self._rows(mode, sources)
            if any(row.method for row in rows):
                for face in range(max(len(tiles) for tiles in sources.values())):
                    yield self._labelled_grid(mode, face, sources, rows)

    def _labelled_grid(self, mode: Mode, face: int, sources: ByColumn, rows: list[_Row]) -> LabelledGrid:
        heads = [self.run.spoken(column) for column in self.run.columns]
        pictures = [(row.title, self._of_face(row.strips, face)) for row in rows]
        if self.shared:
            source = next(iter(sources.values()))[face]
            heads, pictures = ["Source", *heads], [(title, [source, *tiles]) for title, tiles in pictures]
        return LabelledGrid(f"{mode}-{face + 1}", heads, pictures)

    def _rows(self, mode: Mode, sources: ByColumn) -> list[_Row]:
        """The sources where they differ by column, the references, the methods, the truth, then the controls.

        In runs of older versions a method that moves attributes in groups has references and true edits of its own.
        """
        methods, directory = self.run.record.methods, self.run.directory
        references = self._strips(directory.reference_sample)
        truth = self._strips(lambda column: directory.truth_sample(mode, column))
        rows: list[_Row] = []
        controls: list[_Row] = []
        for name in self.run.methods:
            if (name == "oracle" and truth) or (methods[name].kind != "method" and self.run.outputs_alone):
                continue
            title, own, true = self.run.called(name), {}, truth
            if mode == "reference":
                own = self._strips(partial(directory.reference_sample, method=name))
                true = truth | self._strips(partial(directory.truth_sample, mode, method=name))
            if own:  # where its references are everybody's, no strip of its own is stored
                rows.append(_Row(f"References of {title}", "given", references | own, ""))
            row = _Row(title, methods[name].kind, self._strips(partial(directory.sample_file, name, mode)), name, true)
            (rows if methods[name].kind == "method" else controls).append(row)
        if self.run.outputs_alone:
            return [row for row in rows if row.strips and row.method]
        if mode == "reference":
            rows.insert(0, _Row("Reference", "given", references))
        if not self.shared:
            rows.insert(0, _Row("Source", "source", sources))
        return [row for row in [*rows, _Row("True edit", "truth", truth), *controls] if row.strips]

    def _strips(self, file: Callable[[str], Path]) -> ByColumn:
        """The tiles of every strip that there is; `file` says where the strip of a column lies."""
        paths = {column: file(column) for column in self.run.columns}
        return {column: self._tiles(path) for column, path in paths.items() if self.run.has(path)}

    def _tiles(self, path: Path) -> Tiles:
        def fits(width: int, height: int) -> bool:
            return height == self.side and width % self.side == 0

        return cut(open_picture(path, fits, f"a strip of {self.side} pixel squares"))

    def _keep(self, path: str, image: Image.Image) -> str:
        if path not in self.files:
            self.files[path] = png_bytes(image)
        return path

    def _keep_heat(self, path: str, tiles: Sequence[Image.Image | None], compared: Sequence[Image.Image | None]) -> str:
        steps = [
            np.full((self.side, self.side), heat.MISSING)
            if tile is None or like is None
            else heat.levels(np.asarray(tile), np.asarray(like))
            for tile, like in zip(tiles, compared, strict=True)
        ]
        self.files[path] = heat.png(np.concatenate(steps, axis=1))
        self.files[heat.SCALE] = heat.scale()
        return path
