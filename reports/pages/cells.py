"""A page for each cell whose single edits are kept: from a number of the tables to the edits behind it.

The squares of such a page are cut out of few pictures: every source lies in them once, and of a true edit only what
it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from bridgebench.eval.measures import SECTIONS
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.counterfactual import L1_TRUE
from bridgebench.eval.measures.preservation import L1_SOURCE
from bridgebench.eval.records.details import Details, Kind, ShownEdit
from bridgebench.eval.records.pictures import Images
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.figures import heat
from bridgebench.reports.figures.comparison import Grid, GridSet
from bridgebench.reports.pages.html import Page
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import Notes, TableCell, fitting, print_cell
from bridgebench.templates.grids import png_bytes

_ROWS = {"source": "Source", "reference": "Reference", "edit": "Edit", "truth": "True edit", "heat": "Difference"}

_Place = tuple[str, Mode, str]
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


@dataclass(frozen=True)
class PicturedEdit:
    """One edit: its tiles by row, and what the judge reads.

    Attributes:
        title: over its column.
        id: of the source image.
        tiles: by row, see EditTable.rows.
        wanted: what was asked for: ``"add"``, ``"remove"`` or ``"convert"``.
        before, after: the judge's probability, in percent.
        score: the measure by which edits are ranked, as printed.
    """

    title: str
    id: str
    tiles: dict[str, Tile]
    wanted: str
    before: str
    after: str
    hit: bool
    score: str


@dataclass(frozen=True)
class EditTable:
    """A table of edits, a column each; `rows` are the titles of the rows of tiles that there are."""

    key: str
    title: str
    lead: str
    rows: dict[str, str]
    edits: list[PicturedEdit]


class CellPages:
    """Makes the pages of all cells whose single edits are kept.

    Attributes:
        files: their pictures: path inside the folder of pages -> PNG.
        pages: one a cell.
    """

    def __init__(self, run: Run, layout: Layout, grids: Sequence[GridSet]) -> None:
        self._run, self._layout = run, layout
        self._grids = {found.mode: found for found in grids}
        self._details = {place: Details.read(run.directory.details_file(*place)) for place in _places(run)}
        shown = {} if run.outputs_alone else self._details
        faces = SharedFaces((details, self._pictures(place)) for place, details in shown.items())
        self._faces = faces.layers
        self.files = dict(faces.files)
        self.pages = [self._page(place) for place in self._details]
        if self.pages:
            self.files[heat.SCALE] = heat.scale()

    def _pictures(self, place: _Place) -> dict[Kind, Images]:
        path = self._run.directory.details_picture(*place)
        return self._details[place].pictures(path, self._run.record.data.image_size)

    def _page(self, place: _Place) -> Page:
        method, mode, column = place
        details, title = self._details[place], self._run.called(method)
        tables = [self._shared(place), self._ranked(place)]
        context = {
            "title": title,
            "method": method,
            "column_link": self._layout.column(column),
            "spoken": self._run.spoken(column),
            "mode": MODE_TITLES[mode].lower(),
            "judged": self._run.words.judged.format(cell=self._run.spoken(column)),
            "numbers": self._numbers(place),
            "tables": [table for table in tables if table.edits],
            "score": _score(details),
            "truth": "truth" in details.kinds,
            "highest": round(heat.HIGHEST),
            "scale": heat.SCALE,
            "before": self._neighbour(place, -1),
            "after": self._neighbour(place, 1),
            "others": self._others(place),
        }
        return Page(self._layout.cell(method, mode, column), "cell.html.j2", context)

    def _numbers(self, place: _Place) -> list[tuple[MeasureCard, TableCell]]:
        """Every measure of the cell that there is; of a plug-in's measure that failed, why."""
        method, mode, column = place
        results = Results(self._run, self._run.record.protocol_hash, mode)
        found = [(card, results.measure(method, column, card.key)) for card in results.cards(*SECTIONS)]
        fitted = [(fitting(card, [one]), one) for card, one in found if one.value is not None or one.failed]
        printed = [(card, one, print_cell(card, one, Notes())) for card, one in fitted]
        return [(card, replace(cell, small=one.reason or "") if one.failed else cell) for card, one, cell in printed]

    def _shared(self, place: _Place) -> EditTable:
        """The first test images: their tiles are those of the comparison grids."""
        method, mode, column = place
        details, number = self._details[place], self._run.columns.index(column)
        grids = self._grids[mode].grids if mode in self._grids else []
        edits = []
        for grid, reading in zip(grids, details.fixed, strict=False):
            tiles = _grid_tiles(grid, method, number, len(self._run.columns))
            if "edit" in tiles:
                image = self._run.words.image.capitalize()
                edits.append(self._edit(f"{image} {grid.face}", details, reading, tiles))
        lead = f"The first test images, not chosen by hand: the same for every method and {self._run.noun}."
        return EditTable("shared", "The sample that all methods share", lead, _rows(edits), edits)

    def _ranked(self, place: _Place) -> EditTable:
        """The best, median and worst edits, with pictures of their own."""
        if self._run.outputs_alone:
            return self._edits_alone(place)
        details, pictures = self._details[place], self._pictures(place)
        base, count = self._layout.cell(*place).removesuffix(".html"), len(details.ranked)
        compared = pictures.get("truth", pictures["source"])
        drawn = {"heat": heat_png(pictures["edit"], compared)}
        copied = copies(pictures)
        if None in copied:
            drawn["edit"] = column_png(pictures["edit"])
        if "truth" in pictures:
            drawn["truth"] = patches_png(pictures["source"], pictures["truth"])
        self.files |= {f"{base}-{kind}.png": data for kind, data in drawn.items()}
        edits, seen = [], 0
        for number, reading in enumerate(details.ranked):
            own = {kind: Layer(f"{base}-{kind}.png", number, count) for kind in drawn}
            source = self._faces[reading.id]
            layers: dict[str, tuple[Layer, ...]] = {"source": (source,), "heat": (own["heat"],)}
            if reading.reference is not None:
                layers["reference"] = (self._faces[reading.reference],)
            if "truth" in own:
                layers["truth"] = (source, own["truth"])
            kind = copied[number]
            layers["edit"] = (own["edit"],) if kind is None else layers[kind]
            seen = seen + 1 if number and details.ranked[number - 1].place == reading.place else 1
            title = f"{reading.place.capitalize()} {seen}"
            tiles = {kind: Tile(found, f"{_ROWS[kind]}, {title.lower()}") for kind, found in layers.items()}
            edits.append(self._edit(title, details, reading, tiles))
        return self._ranked_table(details, edits)

    def _edits_alone(self, place: _Place) -> EditTable:
        """The same edits without the images that they are made of; none of a control, which may return its input."""
        details, pictures = self._details[place], self._pictures(place)
        if self._run.record.methods[place[0]].kind != "method":
            return self._ranked_table(details, [])
        path = f"{self._layout.cell(*place).removesuffix('.html')}-edit.png"
        new = [number for number, kind in enumerate(copies(pictures)) if kind is None]
        edits: list[PicturedEdit] = []
        for number in new:
            reading = details.ranked[number]
            seen = 1 + sum(edit.title.startswith(reading.place.capitalize()) for edit in edits)
            title = f"{reading.place.capitalize()} {seen}"
            tile = Tile((Layer(path, len(edits), len(new)),), f"{_ROWS['edit']}, {title.lower()}")
            edits.append(self._edit(title, details, reading, {"edit": tile}))
        if edits:
            self.files[path] = column_png(pictures["edit"][new])
        return self._ranked_table(details, edits)

    def _ranked_table(self, details: Details, edits: list[PicturedEdit]) -> EditTable:
        ranked = {
            "l1_true": "by their difference to the true edit",
            "l1_source": "hits before misses, then by how little the source was changed",
        }[details.measure]
        lead = f"All edits of the cell, ranked {ranked}: both ends and the middle."
        return EditTable("ranked", "The best, the median, the worst", lead, _rows(edits), edits)

    def _edit(self, title: str, details: Details, reading: ShownEdit, tiles: dict[str, Tile]) -> PicturedEdit:
        wanted = self._run.words.wanted[bool(reading.target)]
        before, after = (f"{100 * probability:.0f}" for probability in (reading.before, reading.after))
        score = _score(details).text(reading.score)
        return PicturedEdit(title, reading.id, tiles, wanted, before, after, reading.hit, score)

    def _neighbour(self, place: _Place, step: int) -> tuple[str, str] | None:
        """Title and path of the same method's cell of the next column that has a page."""
        method, mode, column = place
        columns = self._run.columns
        number = columns.index(column) + step
        while 0 <= number < len(columns):
            if (method, mode, columns[number]) in self._details:
                return self._run.spoken(columns[number]), self._layout.cell(method, mode, columns[number])
            number += step
        return None

    def _others(self, place: _Place) -> list[tuple[str, str]]:
        """Titles and paths of the cells of the same column: other methods, and the other mode."""
        return [
            (
                self._run.called(name) + ("" if mode == place[1] else f", {MODE_TITLES[mode].lower()}"),
                self._layout.cell(*one),
            )
            for mode in sorted(MODES, key=lambda mode: mode != place[1])
            for name in self._run.methods
            if (one := (name, mode, place[2])) in self._details and one != place
        ]


def _places(run: Run) -> list[_Place]:
    """The cells with details in the order of the tables."""
    return [
        (method, mode, column)
        for method in run.methods
        for mode in MODES
        for column in run.columns
        if (method, mode, column) in run.details
    ]


def _score(details: Details) -> MeasureCard:
    return L1_TRUE if details.measure == "l1_true" else L1_SOURCE


def _grid_tiles(grid: Grid, method: str, place: int, count: int) -> dict[str, Tile]:
    """The tiles of one face and column out of a comparison grid; the oracle's edit is the true edit."""
    tiles = {"source": Tile((Layer(grid.source),), f"Source, face {grid.face}")}
    rows = {
        "source": ["source"],
        "given": ["reference"],
        "truth": ["truth", "edit"] if method == "oracle" else ["truth"],
    }
    for row in grid.rows:
        kinds = rows.get(row.group, [])
        if row.method == method:
            kinds = ["edit"]
        for kind in kinds if row.present[place] else []:
            tiles[kind] = Tile((Layer(row.picture, place, count),), f"{_ROWS[kind]}, face {grid.face}")
            if kind == "edit" and row.heat:
                tiles["heat"] = Tile((Layer(row.heat, place, count),), f"{_ROWS['heat']}, face {grid.face}")
    return tiles


def _rows(edits: Sequence[PicturedEdit]) -> dict[str, str]:
    return {kind: title for kind, title in _ROWS.items() if any(kind in edit.tiles for edit in edits)}


class SharedFaces:
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
