"""The manifest of a run: ``manifest.json``, the SHA-256 of each file that the run left. By it later changes are found.

A benchmark writes it last, and an archive of records has one of its own members. It tells of damage and of careless
changes. Who changes files on purpose can also write the manifest anew: only a signature (`eval.records.signature`), or
the manifest's own hash from a place that is trusted, tells of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.record import Record
from bridgebench.eval.records.seal import file_hash, file_hashes
from bridgebench.methods.core.errors import UserError

FILE, SIGNATURE = "manifest.json", "manifest.sigstore.json"
_PART = r"[A-Za-z0-9_%-][A-Za-z0-9._%-]{0,250}"  # names in a run directory are percent-quoted, and none is hidden
_PATH = re.compile(rf"{_PART}(/{_PART}){{0,7}}")


def is_record_path(name: str) -> bool:
    """Whether a text may be the path of a record: relative, with slashes, within its folder, on every system."""
    return _PATH.fullmatch(name) is not None


class Manifest(Record):
    """``manifest.json``.

    Attributes:
        files: SHA-256 of each file by its path in the run directory, with slashes.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    files: dict[str, str]

    @field_validator("files")
    @classmethod
    def _within_the_folder(cls, files: dict[str, str]) -> dict[str, str]:
        bad = next((name for name in files if not is_record_path(name)), None)
        if bad is not None:
            raise ValueError(f"{bad!r:.100} is no path of a record")
        return files


@dataclass(frozen=True)
class Change:
    """A file that is not as the run left it."""

    kind: Literal["changed", "added", "missing"]
    path: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind:8}{self.path}{f' ({self.reason})' if self.reason else ''}"


def write_manifest(run: RunDirectory) -> None:
    """Writes the manifest of all files that a run has left so far; `run` has a run.json."""
    files = [run.run_file, *(run.root / file for file in run.measured_files(run.read_run()))]
    wanted = [file for file in files if file != run.manifest_file]
    manifest_of(run.root, wanted).write(run.manifest_file)


def manifest_of(root: Path, files: Iterable[Path]) -> Manifest:
    """The manifest of files in a folder."""
    return Manifest.model_validate({"schema": 1, "files": dict(sorted(file_hashes(root, files).items()))})


def read_manifest(root: Path, where: Path) -> Manifest:
    """The manifest in a folder.

    Args:
        root: the folder.
        where: the run directory or archive that the folder stands for, for the message.

    Raises:
        UserError: there is none, or it is damaged.
    """
    if not (root / FILE).exists():
        raise UserError(
            f"{where} has no {FILE}, so that nobody can tell what was changed in it: either it was made before there "
            "were manifests, or its benchmark has not ended."
        )
    return Manifest.read(root / FILE)


def changes(root: Path, manifest: Manifest) -> list[Change]:
    """What is not as the manifest says: changed, missing and added files, by their paths.

    An added file is one in a folder of records (one that the manifest names), not a page or a cache.
    """
    found = []
    for name, expected in manifest.files.items():
        try:
            if file_hash(root / name) != expected:
                found.append(Change("changed", name))
        except FileNotFoundError:
            found.append(Change("missing", name))
        except (OSError, ValueError) as error:
            found.append(Change("changed", name, getattr(error, "strerror", None) or str(error)))
    found += [Change("added", name) for name in _records(root, manifest) if name not in manifest.files]
    return sorted(found, key=lambda change: change.path)


def _records(root: Path, manifest: Manifest) -> Iterator[str]:
    folders = {name.partition("/")[0] for name in manifest.files if "/" in name}
    for folder in sorted(folders):
        for path in sorted((root / folder).rglob("*")):
            if not path.name.startswith(".") and (path.is_symlink() or not path.is_dir()):
                yield path.relative_to(root).as_posix()
