"""Marks: how a folder that bridgebench writes into is known to be ours before anything in it is touched.

The file ``bridgebench.json`` is the first that is written into a new folder. A folder that has files and no mark
belongs to somebody else. In a folder of ours only files are touched that we write and know by name.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field

from bridgebench.eval.records.record import Record
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes

MARK = "bridgebench.json"
Kind = Literal["benchmark", "training", "pages", "figures", "tasks"]
_SPOKEN: dict[Kind, str] = {
    "benchmark": "run directory",
    "training": "training run",
    "pages": "folder of our pages",
    "figures": "folder of our figures",
    "tasks": "folder of tasks",
}
# In the head of every first page that we wrote, of every version: its title, and what it forbids itself to load.
_PAGE = re.compile(
    rb"default-src 'none'; img-src .*<title>(bridgebench: [^<]*|[^<]* \xc2\xb7 bridgebench)</title>", re.DOTALL
)
_HEAD = 4096  # bytes


class Mark(Record):
    """``bridgebench.json``: what a folder is.

    Runs have a random `id`; pages and tasks have none, so that their bytes repeat.
    """

    schema_: Literal[1] = Field(alias="schema")
    program: Literal["bridgebench"]
    kind: Kind
    id: str | None = None


def check_folder(folder: Path, kind: Kind, older: Callable[[Path], bool] = lambda folder: False) -> None:
    """Refuses a folder that is not ours and not empty; hidden files do not count.

    Args:
        folder: it need not exist.
        kind: what it is to hold.
        older: whether a folder without a mark was surely written by a version of bridgebench that wrote none.

    Raises:
        UserError: the folder may not be written into; nothing has been touched.
    """
    found = Mark.find(folder / MARK)
    if found is not None and found.kind == kind:
        return
    wanted = _SPOKEN[kind]
    if found is not None:
        raise UserError(f"{folder} is a {_SPOKEN[found.kind]}, not a {wanted}; give another --out.")
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise UserError(f"{folder} exists and is not a {wanted}; give another --out.")
    empty = all(path.name.startswith(".") for path in folder.iterdir())
    if not empty and not older(folder):
        raise UserError(
            f"{folder} exists and is not a {wanted} (it has no {MARK} of ours); give another --out: nothing in it was "
            "touched."
        )


def mark(folder: Path, kind: Kind) -> None:
    """Marks a folder as ours, after `check_folder`; a mark that is there stays.

    Raises:
        CannotWrite: the mark cannot be written.
    """
    if Mark.find(folder / MARK) is None:
        named = {} if kind in ("pages", "figures", "tasks") else {"id": secrets.token_hex(16)}
        record = {"schema": 1, "program": "bridgebench", "kind": kind, **named}
        Mark.model_validate(record).write(folder / MARK)


def is_our_page(path: Path) -> bool:
    """Whether a file is the first page of a folder of our pages, of any version."""
    try:
        return _PAGE.search(read_bytes(path, follow=False)[:_HEAD]) is not None
    except (OSError, ValueError):
        return False


def has_our_page(folder: Path) -> bool:
    """Whether the first page of a folder is ours: older versions did not mark the folders of their pages."""
    return is_our_page(folder / "index.html")
