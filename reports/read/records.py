"""The records of a run directory, file by file: what a page shows comes from here, checked before it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Mode = Literal["label", "reference"]
MODES: tuple[Mode, ...] = ("label", "reference")
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Measure(_Record):
    """One measured number, or why there is none; `values` where it is one number for each of several names.

    `fewest` is the smallest n of the measures that a mean is over.
    """

    value: Number | None = None
    values: dict[str, Number | None] = {}
    low: Number | None = None
    high: Number | None = None
    se: Number | None = None
    n: int | None = None
    n_real: int | None = None
    fewest: int | None = None
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


class Made(_Record):
    """When, by which code and packages, and on which machine."""

    created: str
    code: dict[str, Any]
    packages: dict[str, str]
    hardware: dict[str, Any]


class RunRecord(_Record):
    """``run.json``.

    Attributes:
        columns: the names of the cells where they are not the attributes: conversions of domains.
        earlier: what else cells that were kept may have been made with.
        limit: how many of the test images are edited at most, if it was asked for.
    """

    schema_: Literal[1] = Field(alias="schema")
    created: str
    profile_name: str
    profile: dict[str, Any]
    protocol: dict[str, Any]
    protocol_hash: str
    code: dict[str, Any]
    packages: dict[str, str]
    hardware: dict[str, Any]
    earlier: tuple[Made, ...] = ()
    limit: int | None = None
    data: Data
    attributes: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: tuple[str, ...] = ()
    features: Features
    judges: dict[str, Weights | None] = {}
    methods: dict[str, Method]


Model = TypeVar("Model", bound=_Record)


def read(path: Path, model: type[Model]) -> Model:
    """A record of a file.

    Raises:
        UserError: the file is damaged or is no such record.
    """
    try:
        return model.model_validate(parse_json(read_bytes(path)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        problem = f"{where}: {first['msg']}"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise UserError(f"{path} is damaged ({problem}); delete it and run `bridgebench benchmark` again.")
