"""The records of what was measured: of a cell, of the cost of a method, and of real images against real images."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bridgebench.eval.records.record import CellKind, Mode, Number, Record


class Measured(Record):
    """One measured number, or why there is none; `values` where it is one number for each of several names.

    `differing` is the mean number of labels in which a matched real image differs from what its edit aims at. `unit`
    is, of a ratio of sums, the mean over the edits of what their amounts are held against: the ratio of several cells
    is the mean of theirs, weighted by ``unit * n``. `failed` says that a plug-in's measure raised an error, or gave
    something else than numbers: the next benchmark tries again.
    """

    value: Number | None = None
    values: dict[str, Number | None] = Field(default_factory=dict)
    low: Number | None = None
    high: Number | None = None
    se: Number | None = None
    n: int | None = None
    n_real: int | None = None
    differing: Number | None = None
    unit: Number | None = None
    draws: int | None = None
    reason: str | None = None
    failed: bool = False


class CellRecord(Record):
    """``cells/<method>/<mode>/<column>.json``: what was measured of one method, mode and attribute (or conversion).

    Attributes:
        key: hash of everything that decides the cell; a cell with another key is measured again.
        kind: what the edits of the cell do; records of older versions do not say it and are flips (or conversions).
        attribute: the attribute, or the conversion.
        n: how many images were edited.
        reason: why nothing was measured; None where something was.
        files: SHA-256 of the files that were made with the cell (pictures, details, outcomes), by their paths in the
            run directory; empty in records of older versions.
    """

    schema_: Literal[1] = Field(alias="schema")
    key: str = ""
    protocol_hash: str
    method: str
    mode: Mode
    kind: CellKind = "flip"
    attribute: str
    n: int
    measures: dict[str, Measured]
    reason: str | None = None
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def failed_measures(self) -> dict[str, str]:
        """The measures of plug-ins that failed, each with the reason."""
        return {key: found.reason or "" for key, found in self.measures.items() if found.failed}


class SharedPictures(Record):
    """``samples/shared/<mode>/<column>.json``: the pictures that all cells of a mode and attribute share.

    Attributes:
        protocol_hash: under which protocol they were made.
        files: as in a cell's record: of the sources, the references, the true edits.
    """

    schema_: Literal[1] = Field(alias="schema")
    protocol_hash: str
    files: dict[str, str]


class CachedArrays(Record):
    """``cache/<name>.json``: the hashes of arrays that every worker of a run reads, as in a cell's record."""

    schema_: Literal[1] = Field(alias="schema")
    files: dict[str, str]


class CostRecord(Record):
    """``cost/<method>/<mode>.json``: what an edit costs.

    Attributes:
        key: hash of everything that decides which method this is; a cost with another key is measured again.
        parameters: None where a method in an environment of its own does not say.
        batch: images an edit call.
        hardware: the processor that computed.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    key: str = ""
    method: str
    mode: Mode
    ms_per_image: Number
    parameters: int | None
    peak_memory_mib: Number | None
    batch: int
    hardware: Any = None


class Baselines(Record):
    """``baselines.json``: distances between real images only."""

    protocol_hash: str | None = None
    floor: Measured | None = None
    null: dict[str, Measured] = Field(default_factory=dict)
