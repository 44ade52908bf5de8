"""A folder that appears only when all of it is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridgebench.methods.core.errors import UserError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` to write into; it becomes `folder` at the end, and is removed after an error.

    Raises UserError if `folder` is there already or cannot be written.
    """
    if folder.exists():
        raise UserError(f"{folder} is there already; name a new folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            made = Path(temporary) / folder.name
            made.mkdir()
            yield made
            made.rename(folder)
    except OSError as error:
        raise UserError(f"Cannot write {folder} ({error.strerror or error}).") from error
