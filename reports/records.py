"""Reads a run directory: everything that a page shows comes from here, checked before it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from methods.errors import UserError
from methods.reading import check_links, parse_json, read_bytes

Mode = Literal["label", "reference"]
MODES: tuple[Mode, ...] = ("label", "reference")
_ERROR = ".error.txt"
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Measure(_Record):
    """One measured number, or why there is none; `values` where it is one number for each of several names."""

    value: Number | None = None
    values: dict[str, Number | None] = {}
    low: Number | None = None
    high: Number | None = None
    se: Number | None = None
    n: int | None = None
    n_real: int | None = None
    draws: int | None = None
    reason: str | None = None


class Cell(_Record):
    """``cells/<method>/<mode>/<attribute>.json``: one method, mode and attribute (or conversion)."""

    schema_: Literal[1] = Field(alias="schema")
    protocol_hash: str
    method: str
    mode: Mode
    attribute: str
    n: int
    measures: dict[str, Measure]
    reason: str | None = None


class Cost(_Record):
    """``cost/<method>/<mode>.json``."""

    method: str
    mode: Mode
    ms_per_image: Number
    parameters: int
    peak_memory_mib: Number | None
    batch: int
    hardware: Any = None


class Baselines(_Record):
    """``baselines.json``: distances between real images only."""

    protocol_hash: str | None = None
    floor: Measure | None = None
    null: dict[str, Measure] = {}


class Weights(_Record):
    """Which file of numbers was used, and what its card says."""

    file: str
    sha256: str
    card: dict[str, Any] | None = None


class Curves(_Record):
    """The losses of a training, in the card of its weights: a value an iteration noted, None where there was none."""

    iterations: tuple[int, ...] = ()
    losses: dict[str, tuple[Number | None, ...]] = {}

    @model_validator(mode="after")
    def _as_long_as_the_iterations(self) -> Self:
        if any(len(values) != len(self.iterations) for values in self.losses.values()):
            raise ValueError("a curve has another number of points than there are iterations")
        return self


class Method(_Record):
    """What run.json says of a method; of a variant of one also which, its seed and what of the recipe it changes."""

    title: str
    kind: Literal["method", "control"]
    modes: tuple[str, ...]
    parameters: int | None = None
    paper: str = ""
    summary: str = ""
    quirks: str = ""
    weights: Weights | None = None
    variant_of: str = ""
    seed: int | None = None
    changes: dict[str, Any] = {}


class Data(_Record):
    """The data set in short."""

    name: str
    digest: str
    n_test: int
    image_size: Annotated[int, Field(gt=0)]


class Features(_Record):
    """The feature space of every distance."""

    name: str
    title: str
    dimension: int
    digest: str


class RunRecord(_Record):
    """``run.json``; `columns` are the names of the cells where they are not the attributes: conversions of domains."""

    schema_: Literal[1] = Field(alias="schema")
    created: str
    profile_name: str
    profile: dict[str, Any]
    protocol: dict[str, Any]
    protocol_hash: str
    code: dict[str, Any]
    packages: dict[str, str]
    hardware: dict[str, Any]
    data: Data
    attributes: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: tuple[str, ...] = ()
    features: Features
    judges: dict[str, Weights | None] = {}
    methods: dict[str, Method]


class Run:
    """A run directory, read and checked.

    Attributes:
        folder: the directory.
        record: run.json.
        columns: the names of the cells of a method and mode, in a table's order: attributes, or conversions of domains.
        cells: finished cells by (protocol hash, method, mode, column).
        costs: costs by (method, mode).
        baselines: distances between real images, if they are of the protocol of run.json.
        failed: (method, mode, column) of the cells that raised an error.
        details: (method, mode, column) of the cells whose single images are kept.

    Raises:
        UserError: run.json is missing, a record is damaged or names something that run.json does not, or there is
            no finished cell.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        check_links(folder)
        if not (folder / "run.json").is_file():
            raise UserError(f"{folder} is not a run directory (it has no run.json); `bridgebench benchmark` makes one.")
        self.record = _read(folder / "run.json", RunRecord)
        self.columns = self.record.columns or self.record.attributes
        self.baselines = Baselines()
        if (folder / "baselines.json").is_file():
            found = _read(folder / "baselines.json", Baselines)
            if found.protocol_hash in (None, self.record.protocol_hash):
                self.baselines = found
        self.cells: dict[tuple[str, str, Mode, str], Cell] = {}
        for path in sorted((folder / "cells").glob("*/*/*.json")):
            cell = _read(path, Cell)
            self._check_names(path, cell.method, cell.attribute)
            self.cells[cell.protocol_hash, cell.method, cell.mode, cell.attribute] = cell
        self.failed = {_place(path, _ERROR) for path in (folder / "cells").glob(f"*/*/*{_ERROR}")}
        found_details = {_place(path, ".json") for path in (folder / "details").glob("*/*/*.json")}
        self.details = {place for place in found_details if (self.record.protocol_hash, *place) in self.cells}
        self.costs: dict[tuple[str, Mode], Cost] = {}
        for path in sorted((folder / "cost").glob("*/*.json")):
            cost = _read(path, Cost)
            self._check_names(path, cost.method)
            self.costs[cost.method, cost.mode] = cost
        if not self.cells:
            raise UserError(f"{folder} has no finished cell yet; run `bridgebench benchmark --out {folder}` first.")

    @property
    def conversions(self) -> bool:
        """Whether a cell is a conversion of one domain into another instead of the flip of an attribute."""
        return bool(self.record.columns) and self.record.columns != self.record.attributes

    @property
    def noun(self) -> str:
        """What a column is."""
        return "conversion" if self.conversions else "attribute"

    def spoken(self, column: str) -> str:
        """A column as a reader says it: ``Gray Hair`` for ``Gray_Hair``, ``cat → dog`` for ``cat2dog``."""
        source = self.source_domain(column)
        return f"{source} → {column[len(source) + 1 :]}" if source else column.replace("_", " ")

    def source_domain(self, column: str) -> str:
        """The domain that a conversion starts from; empty where the columns are attributes."""
        for source in self.record.attributes if self.conversions else ():
            if column.startswith(f"{source}2") and column[len(source) + 1 :] in self.record.attributes:
                return source
        return ""

    @property
    def protocol_hashes(self) -> list[str]:
        """The protocol of run.json first, then any other that a stray cell was measured under."""
        others = {key[0] for key in self.cells} - {self.record.protocol_hash}
        return [self.record.protocol_hash, *sorted(others)]

    @property
    def methods(self) -> list[str]:
        """Method names in the order of the profile; the rest, and all where it has none, by name."""
        wanted = [name for name in self.record.profile.get("methods", []) if name in self.record.methods]
        return list(dict.fromkeys([*wanted, *sorted(self.record.methods)]))

    def _check_names(self, path: Path, method: str, attribute: str | None = None) -> None:
        if method not in self.record.methods:
            raise UserError(f"{path} belongs to a method '{method}' that run.json does not list; delete the file.")
        if attribute is not None and attribute not in self.columns:
            kind = "a conversion" if self.conversions else "an attribute"
            raise UserError(f"{path} belongs to {kind} '{attribute}' that run.json does not list; delete it.")


def _place(path: Path, ending: str) -> tuple[str, str, str]:
    """(method, mode, column) of a file ``<method>/<mode>/<column><ending>``; names on disk are percent-quoted."""
    return unquote(path.parts[-3]), path.parts[-2], unquote(path.name.removesuffix(ending))


Model = TypeVar("Model", bound=_Record)


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate(parse_json(read_bytes(path)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        problem = f"{where}: {first['msg']}"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise UserError(f"{path} is damaged ({problem}); delete it and run `bridgebench benchmark` again.")
