"""Facts: names and values, as records of any depth are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """A line of a list of facts."""

    name: str
    value: str


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested tables as lines: ``{"a": {"b": 1}}`` -> ``("a.b", "1")``; lists stay in one line."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from flatten(value[key], f"{name}.{key}" if name else str(key))
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)
