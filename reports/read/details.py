"""Reads what a run keeps of single edits: the readings of a cell, and the pictures of its best, median and worst."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import quote, read_bytes
from bridgebench.reports.read.pictures import open_picture
from bridgebench.reports.read.records import Mode, Number
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Place = Literal["fixed", "best", "median", "worst"]
Kind = Literal["source", "truth", "edit", "reference"]
Images = NDArray[np.uint8]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Reading(_Record):
    """One edit: which image, what the judge says of it, and the measure by which it is ranked."""

    place: Place
    index: Annotated[int, Field(ge=0)]
    id: str
    score: Number
    target: Literal[0, 1]
    before: Probability
    after: Probability
    hit: bool
    reference: str | None = None


class Details(_Record):
    """``details/<method>/<mode>/<column>.json``: what is shown of a cell."""

    schema_: Literal[1] = Field(alias="schema")
    measure: Literal["l1_true", "l1_source"]
    kinds: tuple[Kind, ...]
    shown: tuple[Reading, ...]

    @property
    def fixed(self) -> list[Reading]:
        """The first edits, whose pictures are in the sample strips."""
        return [reading for reading in self.shown if reading.place == "fixed"]

    @property
    def ranked(self) -> list[Reading]:
        """The best, median and worst edits, whose pictures are the details' own."""
        return [reading for reading in self.shown if reading.place != "fixed"]


def details_path(run: Path, method: str, mode: Mode, column: str) -> Path:
    """The record of a cell's single edits; its pictures have the same name and the ending ``.png``."""
    return run / "details" / quote(method) / mode / f"{quote(column)}.json"


def read_details(path: Path) -> Details:
    """The record.

    Raises:
        UserError: it is damaged.
    """
    try:
        return Details.model_validate_json(read_bytes(path))
    except (OSError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"{path} is damaged ({problem}); delete it and run `bridgebench benchmark` again.") from error


def read_pictures(path: Path, details: Details, side: int) -> dict[Kind, Images]:
    """The pictures (K, side, side, 3) of the ranked edits by kind.

    Raises:
        UserError: they are damaged.
    """
    count = len(details.ranked) * len(details.kinds)
    size = (side, side * count)
    picture = open_picture(path, lambda *found: found == size, f"a column of {count} squares of {side}")
    squares = np.asarray(picture).reshape(-1, len(details.kinds), side, side, 3)
    return {kind: squares[:, number] for number, kind in enumerate(details.kinds)}
