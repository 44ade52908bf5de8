"""Whether what was made from some inputs is still what it was: then it need not be made again.

A note in the user's cache says what the files of a folder were made from, and what they were when they were made. It
lies there and not in the folder: a folder may come from a stranger, who could else pass off pages of his own as ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bridgebench.eval.records.seal import hash_of
from bridgebench.harness.processes.user_cache import default_cache_dir
from bridgebench.methods.core.errors import CannotWrite
from bridgebench.methods.core.files import parse_json, read_bytes, real_path, write_bytes

_ROOT = Path(__file__).resolve().parents[2]  # the checkout, or the installed package
_ROOMS = ("eval", "harness", "methods", "reports", "templates")
_CODE = (".py", ".j2", ".css", ".js", ".toml", ".csv", ".txt")
_LARGEST = 10_000  # bytes of a note


@dataclass(frozen=True)
class Note:
    """What was made in a folder.

    Args:
        what: e.g. "pages".
        folder: where.
    """

    what: str
    folder: Path

    def fits(self, inputs: str, files: str) -> bool:
        """Whether the files of the folder are those that were made, and from the same inputs (both: any hash)."""
        try:
            return parse_json(read_bytes(self._path, _LARGEST)) == {"inputs": inputs, "files": files}
        except (OSError, ValueError):
            return False

    def keep(self, inputs: str, files: str) -> None:
        """Notes from what the files were made, and what they are. Where that cannot be written, nothing is noted."""
        with contextlib.suppress(CannotWrite):
            write_bytes(self._path, f'{{"inputs": "{inputs}", "files": "{files}"}}\n'.encode(), durable=False)

    @property
    def _path(self) -> Path:
        where = hashlib.sha256(os.fsencode(real_path(self.folder))).hexdigest()
        return default_cache_dir() / "made" / f"{self.what}-{where[:32]}.json"


def state_of(folder: Path, without: Collection[str] = ()) -> str:
    """A hash of which files a folder has, their sizes and the times of their last change; hidden ones do not count.

    Args:
        folder: it need not exist.
        without: names of files and folders at its top that do not count.
    """
    found = []
    for place, folders, files in os.walk(folder):
        top = place == os.fspath(folder)
        folders[:] = [name for name in folders if not name.startswith(".") and not (top and name in without)]
        for name in files:
            if not name.startswith(".") and not (top and name in without):
                found.append(os.path.join(place, name))  # noqa: PTH118
    return state_of_files(found)


def state_of_files(paths: Iterable[str | Path]) -> str:
    """A hash of the names, sizes and times of the last change of some files."""
    found = []
    for path in sorted(os.fspath(path) for path in paths):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            known = os.stat(path, follow_symlinks=False)  # noqa: PTH116
            found.append([path, stat.S_IFMT(known.st_mode), known.st_size, known.st_mtime_ns])
    return hash_of(found)


@lru_cache
def state_of_code() -> str:
    """A hash of the content of all code, templates and profiles of bridgebench."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((_ROOT / room).rglob("*")):
            if path.suffix in _CODE:
                digest.update(f"{path.relative_to(_ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
