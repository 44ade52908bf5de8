"""Facts: names and values, as pages list them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """A line of a list of facts."""

    name: str
    value: str
