"""Small pieces of text: names with values, numbers as words, lists in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


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


def spelt(number: int) -> str:
    """Numbers up to twelve as words, larger ones as digits."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
