"""Parameters of a drawing as fields of a frozen dataclass, each drawn evenly and on its own."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

Record = TypeVar("Record")
_MOST_VALUES = 100  # a whole number of more values is a seed
Rows = list[tuple[float, float, float, float]]


def between(low: float, high: float, **metadata: str) -> Any:
    """A number drawn evenly from [low, high]."""
    return dataclasses.field(metadata={"low": low, "high": high, **metadata})


def one_of(count: int, **metadata: str) -> Any:
    """A whole number drawn evenly from 0 to count - 1."""
    return dataclasses.field(metadata={"count": count, **metadata})


def sample(record: type[Record], rng: np.random.Generator) -> Record:
    """A record with every field drawn from `rng`, in the order of the class."""
    values: dict[str, float | int] = {}
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        place = float(rng.random())
        if "count" in field.metadata:
            values[field.name] = int(place * field.metadata["count"])
        else:
            low, high = field.metadata["low"], field.metadata["high"]
            values[field.name] = round(low + (high - low) * place, 4)
    return record(**values)


def positions(record: Any) -> dict[str, float]:
    """Where each field of a record lies on its scale, in [0, 1].

    A whole number gives a 0 or 1 for each of its values (``"collar=2"``). Seeds are left out: their size means nothing.
    A field that is marked ``of="person"`` is called ``"person/skin"``, any other ``"drawing/yaw"``.
    """
    found: dict[str, float] = {}
    for field in dataclasses.fields(record):
        name, value = f"{field.metadata.get('of', 'drawing')}/{field.name}", getattr(record, field.name)
        if "count" not in field.metadata:
            low, high = field.metadata["low"], field.metadata["high"]
            found[name] = (value - low) / (high - low)
        elif field.metadata["count"] <= _MOST_VALUES:
            found |= {f"{name}={k}": float(k == value) for k in range(field.metadata["count"])}
    return found


def random_rows(seed: int, count: int) -> Rows:
    """`count` rows of four numbers in [0, 1) for strands and tufts: the same for the same seed."""
    rows = np.random.Generator(np.random.PCG64(seed)).random((count, 4)).round(3)
    return [tuple(row) for row in rows.tolist()]
