"""Grids of conversions as in the paper's Figures 6 to 10: sources along the top, references down the left side."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from bridgebench.methods.core.files import quote
from bridgebench.reports.figures.grids import Sheet, cut, png_bytes
from bridgebench.reports.read.pictures import open_picture
from bridgebench.reports.read.records import MODES, Mode
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from PIL import Image


@dataclass(frozen=True)
class Matrix:
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


class Matrices:
    """Reads and checks the stored grids of a run of domains.

    Attributes:
        files: the pictures: path inside the folder of pages -> PNG.
        found: methods in the run's order, the true edits last.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._side = run, run.record.data.image_size
        self.files: dict[str, bytes] = {}
        self.found: list[Matrix] = []
        names = [name for name in run.methods if run.record.methods[name].kind == "method"]
        rows = [(name, quote(name), run.record.methods[name].title) for name in names] + [("", "truth", "True edit")]
        for number, (method, folder, title) in enumerate(rows):
            for mode in MODES:
                for column, conversion in enumerate(run.columns):
                    matrix = self._matrix(method, folder, title, mode, conversion, f"{number + 1}-{mode}-{column + 1}")
                    if matrix is not None:
                        self.found.append(matrix)

    def of(self, method: str | None = None, mode: Mode | None = None, conversion: str | None = None) -> list[Matrix]:
        """Those of a method, a mode, a conversion; None: of all."""
        return [
            one
            for one in self.found
            if method in (None, one.method) and mode in (None, one.mode) and conversion in (None, one.conversion)
        ]

    def sheets(self) -> Iterator[tuple[Matrix, Sheet]]:
        """Every grid, to be drawn with its sources over it and its references on the left."""
        for matrix in self.found:
            sources, edits = self._squares(matrix.sources)[0], self._squares(matrix.edits)
            name = f"{matrix.mode}-{matrix.conversion}"
            columns = [str(number) for number in range(1, matrix.columns + 1)]
            if matrix.references:
                references = [row[0] for row in self._squares(matrix.references)]
                rows = [
                    (f"reference {i}", [one, *row])
                    for i, (one, row) in enumerate(zip(references, edits, strict=True), 1)
                ]
                yield matrix, Sheet(name, ["", *columns], [("sources", [None, *sources]), *rows])
            else:
                label = "draw" if matrix.rows > 1 else "edit"
                drawn = [(f"{label} {i}", row) for i, row in enumerate(edits, 1)]
                yield matrix, Sheet(name, columns, [("sources", sources), *drawn])

    def _squares(self, path: str) -> list[list[Image.Image | None]]:
        with Image.open(io.BytesIO(self.files[path])) as picture:
            rows = range(0, picture.height, self._side)
            return [[*cut(picture.crop((0, y, picture.width, y + self._side)))] for y in rows]

    def _matrix(self, method: str, folder: str, title: str, mode: Mode, conversion: str, key: str) -> Matrix | None:
        run, grids = self._run, self._run.folder / "grids"
        path = grids / folder / mode / f"{quote(conversion)}.png"
        source, target = run.space.change(conversion)
        if source is None or not path.is_file() or not (grids / "source" / f"{quote(source)}.png").is_file():
            return None
        edits = open_picture(path, self._fits, f"a grid of {self._side} pixel squares")
        references = ""
        if mode == "reference":
            references = self._strip("reference", target, upright=True)
        spoken = run.spoken(conversion)
        return Matrix(
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

    def _strip(self, kind: str, domain: str, upright: bool = False) -> str:
        """The stored strip of a domain; `upright`: its squares one under the other."""
        name = f"matrices/{kind}-{self._run.record.attributes.index(domain) + 1}.png"
        if name not in self.files:
            path = self._run.folder / "grids" / kind / f"{quote(domain)}.png"
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
