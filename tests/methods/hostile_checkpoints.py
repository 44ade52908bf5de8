"""Checkpoints that nobody should trust: cut short, with code in them, or not there at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bridgebench.methods.core.errors import UserError


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.path}",)


def assert_hostile_files_are_refused(good: Path, read: Callable[[Path], object], evil: Callable[[Evil], dict]) -> None:
    """Reads files like a good one, by names that begin and end alike: each is named in one sentence, and no code runs.

    `evil` puts an object among what such a file holds.
    """
    ran, whole = good.with_name("ran"), good.read_bytes()
    cut, bad, none = (good.with_stem(f"{good.stem}-{word}") for word in ("cut", "evil", "none"))
    cut.write_bytes(whole[: len(whole) // 2])
    torch.save(evil(Evil(ran)), bad)
    for path in (cut, bad, none):
        with pytest.raises(UserError, match=path.name):
            read(path)
    assert not ran.exists()
