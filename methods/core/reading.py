"""Files that strangers may have made, read within limits."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bridgebench.methods.core.errors import UserError

LARGEST_RECORD = 64 * 2**20


def read_bytes(path: Path, largest: int = LARGEST_RECORD) -> bytes:
    """The content of a regular file of at most `largest` bytes.

    Raises:
        ValueError: it is larger, or a pipe or device.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"larger than {largest:,} bytes")
    return data


def refuse_page(path: Path) -> None:
    """Whether a file is what it was fetched as: some sites send a page of theirs in its place.

    Raises:
        UserError: it is a web page.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise UserError(f"{path} is a web page, not the file itself: open its address in a browser and fetch it again.")


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text; numbers that JSON does not have (NaN, Infinity) are refused.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(data, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check_links(folder: Path) -> None:
    """Whether a folder that strangers may have filled keeps to itself: nothing is then read or written outside it.

    Raises:
        UserError: a symbolic link in it leads out of it.
    """
    root = folder.resolve()
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise UserError(f"{path} is a symbolic link that leads out of {folder}; remove it.")
