"""A folder of tasks: the edits that a benchmark asks for, as files, for whoever makes them elsewhere.

tasks.json       by which protocol they are asked for, and the hash of each file below; it is written last
tasks.jsonl      a line a task (`methods.core.tasks`), in an order in which they can be made
tasks.csv        the same for shells and spreadsheets, without what few need
labels.csv       the labels of the images
images/          sources and references
edits/           where the edits go, under the names that the tasks give
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from bridgebench.eval.records.manifest import is_record_path
from bridgebench.eval.records.record import CellKind, Mode, Record
from bridgebench.eval.records.run import FeatureSpace, WeightsRecord
from bridgebench.methods.core.errors import UserError


class TasksRecord(Record):
    """``tasks.json``.

    Attributes:
        profile_name, profile, protocol, protocol_hash, limit, features, judges: as in run.json.
        image_size: side of the images and of the edits, in pixels.
        attributes: label columns, in order.
        modes, kinds: of which cells the edits are asked for.
        tasks: how many edits are asked for.
        files: SHA-256 of the files beside it that must not be changed, by their names.
        images: SHA-256 of the pixels of each image, by its path.
    """

    schema_: Literal[1] = Field(alias="schema")
    profile_name: str
    profile: dict[str, Any]
    protocol: dict[str, Any]
    protocol_hash: str
    limit: Annotated[int, Field(gt=1)] | None = None
    features: FeatureSpace
    judges: dict[str, WeightsRecord | None]
    image_size: Annotated[int, Field(gt=0, le=4096)]
    attributes: Annotated[tuple[str, ...], Field(min_length=1)]
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    kinds: Annotated[tuple[CellKind, ...], Field(min_length=1)]
    tasks: Annotated[int, Field(gt=0)]
    files: dict[str, str]
    images: dict[str, str]

    @field_validator("files", "images")
    @classmethod
    def _within_the_folder(cls, files: dict[str, str]) -> dict[str, str]:
        bad = next((name for name in files if not is_record_path(name)), None)
        if bad is not None:
            raise ValueError(f"{bad!r:.100} is no path of a folder of tasks")
        return files


class TaskFolder:
    """Where the files of a folder of tasks lie.

    Args:
        root: the folder; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @property
    def record_file(self) -> Path:
        """By which protocol the edits are asked for."""
        return self.root / "tasks.json"

    @property
    def lines_file(self) -> Path:
        """A line of JSON a task."""
        return self.root / "tasks.jsonl"

    @property
    def table_file(self) -> Path:
        """The same as a table."""
        return self.root / "tasks.csv"

    @property
    def labels_file(self) -> Path:
        """The labels of the images."""
        return self.root / "labels.csv"

    @property
    def readme_file(self) -> Path:
        """What to do, for people."""
        return self.root / "README.md"

    @property
    def edits(self) -> Path:
        """Where the edits go."""
        return self.root / "edits"

    def read(self) -> TasksRecord:
        """tasks.json.

        Raises:
            UserError: the folder holds no tasks, or its tasks.json is damaged.
        """
        if not self.record_file.is_file():
            raise UserError(
                f"{self.root} is not a folder of tasks (it has no {self.record_file.name}): `bridgebench tasks export` "
                "makes one; a call that was stopped is finished by the same call."
            )
        try:
            return TasksRecord.load(self.record_file)[0]
        except ValueError as error:
            raise UserError(f"{self.record_file} is damaged ({error}): export the tasks again.") from error


def pixels_hash(image: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of the pixels of an image (H, W, 3): it does not depend on how a PNG file packs them."""
    return sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
