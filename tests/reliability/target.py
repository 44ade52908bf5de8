"""A reader of files that strangers make, as the fuzzer feeds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """A reader, and good files that it is fed damaged copies of."""

    name: str
    read: Callable[[Path], Any]
    good: tuple[bytes, ...]
    suffix: str
    share: int = 1
