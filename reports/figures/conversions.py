"""Grids of conversions as in the paper's Figures 6 to 10: sources along the top, references down the left side."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from bridgebench.eval.records.directory import TRUTH
from bridgebench.eval.records.pictures import open_picture
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.templates.grids import LabelledGrid, cut, png_bytes


@dataclass(frozen=True)
class ConversionGrid:
    """One conversion by one method in one mode.

    Attributes:
        method: the method's name; empty: the true edits.
        title: the method's title.
        sources: the sources side by side.
        references: the references one under the other; empty by label, where every row is a draw of its own.
        edits: rows by columns of edits.
    """

    method: str
    title: str
    mode: Mode
    mode_title: str
    conversion: str
    spoken: str
    sources: str
    references: str
    edits: str
    columns: int
    rows: int


class ConversionGrids:
    """Reads and checks the stored grids of a run of domains.

    Attributes:
        files: the pictures: path inside the folder of pages -> PNG.
        found: methods in the run's order, the true edits last.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._side = run, run.record.data.image_size
        self.files: dict[str, bytes] = {}
        self.found: list[ConversionGrid] = []
        names = [name for name in run.methods if run.record.methods[name].kind == "method"]
        rows = [*((name, run.called(name)) for name in names), ("", "True edit")]
        for number, (method, title) in enumerate(() if run.outputs_alone else rows):
            for mode in MODES:
                for column, conversion in enumerate(run.columns):
                    grid = self._grid(method, title, mode, conversion, f"{number + 1}-{mode}-{column + 1}")
                    if grid is not None:
                        self.found.append(grid)

    def of(self, mode: Mode, *, method: str | None = None, conversion: str | None = None) -> list[ConversionGrid]:
        """The grids of a mode; of one method, or of one conversion, where it is named."""
        return [
            one
            for one in self.found
            if one.mode == mode and method in (None, one.method) and conversion in (None, one.conversion)
        ]

    def labelled(self) -> Iterator[tuple[ConversionGrid, LabelledGrid]]:
        """Every grid, to be drawn with its sources over it and its references on the left."""
        for found in self.found:
            sources, edits = self._squares(found.sources)[0], self._squares(found.edits)
            name = f"{found.mode}-{found.conversion}"
            columns = [str(number) for number in range(1, found.columns + 1)]
            if found.references:
                references = [row[0] for row in self._squares(found.references)]
                rows = [
                    (f"reference {i}", [one, *row])
                    for i, (one, row) in enumerate(zip(references, edits, strict=True), 1)
                ]
                yield found, LabelledGrid(name, ["", *columns], [("sources", [None, *sources]), *rows])
            else:
                label = "draw" if found.rows > 1 else "edit"
                drawn = [(f"{label} {i}", row) for i, row in enumerate(edits, 1)]
                yield found, LabelledGrid(name, columns, [("sources", sources), *drawn])

    def _squares(self, path: str) -> list[list[Image.Image | None]]:
        with Image.open(io.BytesIO(self.files[path])) as picture:
            rows = range(0, picture.height, self._side)
            return [[*cut(picture.crop((0, y, picture.width, y + self._side)))] for y in rows]

    def _grid(self, method: str, title: str, mode: Mode, conversion: str, key: str) -> ConversionGrid | None:
        run, directory = self._run, self._run.directory
        path = directory.grid_file(method or TRUTH, mode, conversion)
        source, target = run.space.change(conversion)
        if source is None:
            return None
        strips = [directory.grid_images("source", source)]
        strips += [directory.grid_images("reference", target)] if mode == "reference" else []
        if not all(run.has(file) for file in (path, *strips)):
            return None
        edits = open_picture(path, self._fits, f"a grid of {self._side} pixel squares")
        references = ""
        if mode == "reference":
            references = self._strip("reference", target, upright=True)
        spoken = run.spoken(conversion)
        return ConversionGrid(
            method,
            title,
            mode,
            MODE_TITLES[mode],
            conversion,
            spoken,
            self._strip("source", source),
            references,
            self._keep(f"matrices/{key}.png", edits),
            edits.width // self._side,
            edits.height // self._side,
        )

    def _strip(self, kind: Literal["source", "reference"], domain: str, upright: bool = False) -> str:
        """The stored strip of a domain; `upright`: its squares one under the other."""
        name = f"matrices/{kind}-{self._run.record.attributes.index(domain) + 1}.png"
        if name not in self.files:
            path = self._run.directory.grid_images(kind, domain)
            strip = open_picture(path, self._fits, f"a strip of {self._side} pixel squares")
            if upright:
                turned = Image.new("RGB", (self._side, strip.width))
                for place in range(strip.width // self._side):
                    square = strip.crop((place * self._side, 0, (place + 1) * self._side, self._side))
                    turned.paste(square, (0, place * self._side))
                strip = turned
            self._keep(name, strip)
        return name

    def _fits(self, width: int, height: int) -> bool:
        return width > 0 and width % self._side == 0 and height % self._side == 0

    def _keep(self, path: str, image: Image.Image) -> str:
        self.files[path] = png_bytes(image)
        return path
