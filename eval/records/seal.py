"""Seals: the SHA-256 that a record carries of itself, and those that it carries of other files.

A JSON record has the field ``sha256``: the hash of the canonical form of all its other fields (`hash_of`). A cell's
record lists in ``files`` the hash of every picture and array that was made with it, by its path in the run directory.
So a flipped bit, a file cut short and two files exchanged are found when they are read. A seal is no signature: whoever
changes a record on purpose can make its seal anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bridgebench.methods.core.files import open_regular

SEAL = "sha256"
_LARGEST = 4 * 2**30  # bytes of a file that is hashed: features of all real images are the largest


def hash_of(record: Any) -> str:
    """SHA-256 (hex) of a JSON-able record, the same for equal records whatever the order of their keys."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its seal."""
    return record | {SEAL: hash_of(unsealed(record))}


def unsealed(record: dict[str, Any]) -> dict[str, Any]:
    """The record without its seal."""
    return {key: value for key, value in record.items() if key != SEAL}


def check_seal(record: Any) -> bool:
    """Whether a parsed JSON record carries a seal; records from before there were seals carry none.

    Raises:
        ValueError: it carries one, and its content is not what was sealed.
    """
    if not isinstance(record, dict) or SEAL not in record:
        return False
    try:
        found = hash_of(unsealed(record))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if record[SEAL] != found:
        raise ValueError(f"its content is not what its {SEAL} was made of")
    return True


def file_hash(path: Path) -> str:
    """SHA-256 (hex) of a file of a run directory; a link is not followed.

    Raises:
        ValueError: the file is too large, a link, a pipe, a folder, ...
        OSError: the file cannot be read.
    """
    with open_regular(path, _LARGEST, follow=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(root: Path, files: Iterable[Path]) -> dict[str, str]:
    """The hash of each of the files that there are, by its path in the folder `root`, with slashes."""
    return {path.relative_to(root).as_posix(): file_hash(path) for path in files if path.is_file()}
