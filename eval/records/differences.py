"""The values in which two records differ, one line each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """One value in which two records differ."""

    key: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.key}: {self.first} -> {self.second}"


def differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Difference]:
    """The values in which two records differ, sorted by key."""
    left, right = dict(flatten(one)), dict(flatten(two))
    keys = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    return [Difference(key, left.get(key, ABSENT), right.get(key, ABSENT)) for key in keys]


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested tables as lines: ``{"a": {"b": 1}}`` -> ``("a.b", "1")``; lists stay in one line."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from flatten(value[key], f"{name}.{key}" if name else str(key))
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)
