"""Figures 11 to 13 of the paper, pairs that are each other's reference, and the way from label to reference edits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bridgebench.eval.records.directory import TRUTH
from bridgebench.eval.records.pictures import open_picture
from bridgebench.reports.read.run import Run
from bridgebench.templates.grids import LabelledGrid, comparison_grid, cut, png_bytes

_PAIRS = {
    ("Male",): ("Figure 11: gender by reference", ("with", "like the right one", "like the left one", "without")),
    ("Mouth_Slightly_Open", "Bangs"): (
        "Figure 12: mouth and bangs together, by reference",
        ("with both", "like the right one", "like the left one", "with neither"),
    ),
    ("Bangs",): ("Figure 13: bangs by reference", ("with", "like the right one", "like the left one", "without")),
}
FIGURE_12 = "figure-12"  # its key
_WAY = ("source", "by label", "¾ label", "half and half", "¼ label", "by reference", "reference")


@dataclass(frozen=True)
class Board:
    """Rows of squares under the titles of their columns.

    Attributes:
        title: the method, or the attribute.
        heads: over the columns.
        rows: before the rows.
        pictures: a picture a row.
        labelled: the same as one labelled picture; empty: there is none.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[str, ...]
    pictures: tuple[str, ...]
    labelled: str


@dataclass(frozen=True)
class BoardFigure:
    """The boards of one figure."""

    key: str
    title: str
    lead: str
    boards: list[Board]


class Boards:
    """Reads and checks the figures that a run holds besides its grids.

    Attributes:
        files: pictures: path inside the folder of pages -> PNG.
        figures: the figures that there are; of each board the first `rows` rows, or all if it is None.
    """

    def __init__(self, run: Run, rows: int | None = None) -> None:
        self._run, self._side, self._rows = run, run.record.data.image_size, rows
        self.files: dict[str, bytes] = {}
        if run.outputs_alone:  # every row of theirs begins and ends with an image of the data set
            self.figures: list[BoardFigure] = []
            return
        found = [self._pairs(number, name) for number, name in enumerate(_PAIRS, 11)]
        found += [self._way(number, name) for number, name in enumerate(run.methods, 1)]
        self.figures = [figure for figure in found if figure.boards]

    def figure(self, key: str) -> BoardFigure | None:
        """The figure of that key; None where the run has none."""
        return next((figure for figure in self.figures if figure.key == key), None)

    def labelled(self) -> Iterator[LabelledGrid]:
        """Every board, to be drawn with labels."""
        for figure in self.figures:
            for number, board in enumerate(figure.boards, 1):
                rows = [(row, self._squares(path)) for row, path in zip(board.rows, board.pictures, strict=True)]
                yield LabelledGrid(f"{figure.key}-{number}", [*board.heads], rows)

    def _squares(self, path: str) -> list[Image.Image | None]:
        with Image.open(io.BytesIO(self.files[path])) as picture:
            return [*cut(picture.convert("RGB"))]

    def _pairs(self, number: int, attributes: tuple[str, ...]) -> BoardFigure:
        """The methods side by side, the true edits last."""
        title, heads = _PAIRS[attributes]
        methods, file = self._run.record.methods, self._run.directory.pairs_file
        boards = [
            self._board(self._run.called(method), file(method, attributes), heads, f"{number}-{place}")
            for place, method in enumerate(self._run.methods, 1)
            if methods[method].kind == "method"
        ]
        boards.append(self._board("True edit", file(TRUTH, attributes), heads, f"{number}-true"))
        lead = (
            "Each row is a pair of test images, the first that differ so, on its two edges; each is the other's "
            "reference, and the edits stand between them."
        )
        return BoardFigure(f"figure-{number}", title, lead, [board for board in boards if board is not None])

    def _way(self, number: int, method: str) -> BoardFigure:
        """A method that can weigh label against reference, attribute by attribute."""
        file = self._run.directory.interpolation_file
        boards = [
            self._board(self._run.spoken(column), file(method, column), _WAY, f"way-{number}-{place}")
            for place, column in enumerate(self._run.columns, 1)
        ]
        title = self._run.called(method)
        lead = "The code of the label and the code of the reference are mixed, in quarters from the one to the other."
        found = [board for board in boards if board is not None]
        return BoardFigure(f"way-{number}", f"{title}: from label to reference", lead, found)

    def _board(self, title: str, path: Path, heads: tuple[str, ...], key: str) -> Board | None:
        if not self._run.has(path):
            return None
        side = self._side
        width = side * len(heads)
        picture = open_picture(
            path, lambda w, h: w == width and h > 0 and h % side == 0, f"rows of {len(heads)} squares of {side} pixels"
        )
        strips = [picture.crop((0, y, width, y + side)) for y in range(0, picture.height, side)][: self._rows]
        kind = "Pair" if heads != _WAY else "Face"
        rows = tuple(f"{kind} {number}" for number in range(1, len(strips) + 1))
        # The front page shows Figure 12, so it is left out of no file that is to be small.
        folder = "pairs" if key.startswith("12-") else "figures"
        pictures = tuple(self._keep(f"{folder}/{key}-{number}.png", strip) for number, strip in enumerate(strips, 1))
        labelled = ""
        if heads != _WAY:
            grid = comparison_grid([(row, cut(strip)) for row, strip in zip(rows, strips, strict=True)], heads, scale=1)
            labelled = self._keep(f"{folder}/{key}.png", grid)
        return Board(title, heads, rows, pictures, labelled)

    def _keep(self, path: str, image: Image.Image) -> str:
        self.files[path] = png_bytes(image)
        return path
