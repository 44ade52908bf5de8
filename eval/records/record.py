"""What all records have in common: how they are written, and how they are read when strangers may have made them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridgebench.eval.records.seal import check_seal, sealed
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes, write_bytes

Mode = Literal["label", "reference"]
MODES: tuple[Mode, ...] = ("label", "reference")
CellKind = Literal["flip", "several", "sequence", "added", "round-trip", "null", "strength", "way"]
Number = Annotated[float, Field(allow_inf_nan=False)]
_MODES_OF: dict[CellKind, tuple[Mode, ...]] = {"added": ("reference",), "way": ("reference",)}  # of the others: both


def modes_of(kind: CellKind) -> tuple[Mode, ...]:
    """The modes in which cells of a kind exist."""
    return _MODES_OF.get(kind, MODES)


class Record(BaseModel):
    """A JSON file of a run directory, or a part of one.

    The same class writes and reads it. Only the fields that were given are written, so that a record that was read is
    written with the bytes it was read from. Fields that this version does not know are passed over when a file is read.
    A file carries its seal (:mod:`eval.records.seal`), which is checked when the file is read; a file from before there
    were seals is read without.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record in a file.

        Raises:
            UserError: the file is missing, damaged, changed since it was written, or no such record.
        """
        return cls.read_with_seal(path)[0]

    @classmethod
    def read_with_seal(cls, path: Path) -> tuple[Self, bool]:
        """The record in a file, and whether it carries a seal.

        Raises:
            UserError: as by `read`.
        """
        try:
            return cls.load(path)
        except ValueError as error:
            if not os.path.lexists(path):
                raise UserError(f"{path} is not there; if a benchmark is writing there, wait for its end.") from error
            raise UserError(f"{path} is damaged ({error}); delete it and run `bridgebench benchmark` again.") from error

    @classmethod
    def load(cls, path: Path) -> tuple[Self, bool]:
        """The record in a file, and whether it carries a seal.

        Raises:
            ValueError: what is wrong with the file.
        """
        try:
            found = parse_json(read_bytes(path, follow=False))
            return cls.model_validate(found), check_seal(found)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole file"
            raise ValueError(f"{where}: {first['msg']}") from error
        except OSError as error:
            raise ValueError(error.strerror or str(error)) from error

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """The record in a file, or None where there is no file or a damaged one: the benchmark then makes it again."""
        try:
            return cls.read(path)
        except UserError:
            return None

    def plain(self) -> dict[str, Any]:
        """The record as it stands in its file, of plain dicts, lists, strings and numbers; without its seal."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def to_bytes(self) -> bytes:
        """The content of the record's file, with the record's seal."""
        return to_json(sealed(self.plain()))

    def write(self, path: Path) -> None:
        """Writes the record's file, all of it or nothing.

        Raises:
            CannotWrite: the file cannot be written.
        """
        write_bytes(path, self.to_bytes())


def to_json(record: Any) -> bytes:
    """The one way in which records are written: sorted keys, indented by 1, a newline at the end, no NaN."""
    return (json.dumps(record, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
