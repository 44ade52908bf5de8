"""Sources of photos: a folder, or a zip that is read in place. Nothing outside the data set's folder is read."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Protocol

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes, real_path

SUFFIXES = (".jpg", ".jpeg", ".png")
_LARGEST_FILE = 2**28  # bytes; a photo of the largest decoded size is smaller

State = tuple[int, int]
"""What tells that a file has been exchanged: its size in bytes, and its time of change or its checksum."""

_LEAVES: State = (-2, 0)  # a link that cannot be followed


class PhotoSource(Protocol):
    """A place with photos; each is named by its relative path with slashes. It can be sent to another process."""

    place: Path

    def photos(self, folder: str = "") -> Mapping[str, State]:
        """The images directly in one of its folders: name and state."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a file; raises UserError if it is missing, too large, or a link that leads out of the root."""
        ...

    def where(self, name: str) -> str:
        """The name of the file in messages to the user."""
        ...


class PhotoFolder:
    """Photos in a folder.

    Args:
        place: the folder.
        root: folder that symbolic links must not leave; by default the folder itself.
    """

    def __init__(self, place: Path, root: Path | None = None) -> None:
        self.place = place
        self.root = real_path(root or place)

    def photos(self, folder: str = "") -> dict[str, State]:
        """See :class:`PhotoSource`; empty if there is no such folder."""
        directory = inside(self.place / folder, self.root)
        if not directory.is_dir():
            return {}
        prefix = f"{folder}/" if folder else ""
        found = {}
        with os.scandir(directory) as entries:
            for entry in entries:
                if is_photo(entry.name):
                    _check_name(directory, entry.name)
                    found[prefix + entry.name] = self._state(entry)
        return found

    def read(self, name: str) -> bytes:
        """See :class:`PhotoSource`."""
        path = self.place / name
        if path.is_symlink():
            inside(path, self.root)
        try:
            return read_bytes(path, _LARGEST_FILE)
        except ValueError as error:  # too large, or a folder or a pipe
            raise UserError(f"{path} is no photo of the data set ({error}).") from error
        except FileNotFoundError as error:
            raise UserError(f"{path} is missing.") from error
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error

    def where(self, name: str) -> str:
        """See :class:`PhotoSource`."""
        return str(self.place / name)

    def _state(self, entry: os.DirEntry[str]) -> State:
        if entry.is_symlink() and not real_path(entry.path).is_relative_to(self.root):
            return _LEAVES
        try:
            facts = entry.stat()
        except OSError:  # a link to nothing
            return _LEAVES
        return (facts.st_size, facts.st_mtime_ns)


class PhotoZip:
    """Photos in a zip.

    Args:
        place: the .zip file.
        top: folder in the zip that photo names are relative to.
    """

    def __init__(self, place: Path, top: str = "") -> None:
        self.place = place
        self.top = top
        facts = place.stat()
        self._state = (facts.st_size, facts.st_mtime_ns)

    def photos(self, folder: str = "") -> dict[str, State]:
        """See :class:`PhotoSource`."""
        wanted = PurePosixPath(self.top, folder)
        found = {}
        for info in self._archive.infolist():
            path = PurePosixPath(info.filename)
            if path.parent == wanted and is_photo(path.name) and not is_folder(info):
                found[str(path.relative_to(self.top))] = (info.file_size, info.CRC)
        return found

    def read(self, name: str) -> bytes:
        """See :class:`PhotoSource`."""
        try:
            info = self._archive.getinfo(str(PurePosixPath(self.top, name)))
            if stat.S_ISLNK(info.external_attr >> 16):
                raise UserError(f"{self.where(name)} is a symbolic link; links in a zip are not followed.")
            if info.file_size > _LARGEST_FILE:
                raise UserError(
                    f"{self.where(name)} has more than {_LARGEST_FILE >> 20} MiB: it is no photo of the data set."
                )
            with self._archive.open(info) as file:
                return file.read(_LARGEST_FILE)
        except UserError:
            raise
        except KeyError as error:
            raise UserError(f"{self.where(name)} is missing.") from error
        except Exception as error:  # OSError, BadZipFile, zlib.error, and others that depend on the compression
            raise UserError(f"{self.where(name)} is damaged ({error}).") from error

    def where(self, name: str) -> str:
        """See :class:`PhotoSource`."""
        return f"{self.place}:{PurePosixPath(self.top, name)}"

    def folders(self) -> set[str]:
        """Every folder that holds a photo, by its path in the zip ("" for the top)."""
        names = (PurePosixPath(info.filename) for info in self._archive.infolist() if not is_folder(info))
        return {str(path.parent) if path.parent.parts else "" for path in names if is_photo(path.name)}

    def at(self, top: str) -> PhotoZip:
        """The same zip with photo names relative to one of its folders."""
        return PhotoZip(self.place, top)

    @property
    def _archive(self) -> zipfile.ZipFile:
        return _open_zip(self.place, self._state)


@lru_cache(maxsize=4)
def _open_zip(place: Path, state: State) -> zipfile.ZipFile:
    """Opens a zip once per process, because reading the directory of a large zip takes seconds."""
    try:
        return zipfile.ZipFile(place)
    except Exception as error:  # OSError, BadZipFile, NotImplementedError, and others that depend on the damage
        raise UserError(f"{place} is no zip, or was cut short ({error}); fetch it again.") from error


def _check_name(folder: Path, name: str) -> None:
    """Raises UserError if the name of a file is no text, so that it could stand in no record."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        shown = name.encode(errors="surrogateescape").decode(errors="replace")
        raise UserError(f"{folder} holds {shown}, whose name is no UTF-8: rename it.") from error


def is_folder(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder; `ZipInfo.is_dir` fails at a name of no letters in Python 3.11."""
    return info.filename.endswith("/")


def inside(path: Path, root: Path) -> Path:
    """Returns the path, if it is inside `root`.

    Raises:
        UserError: symbolic links lead it out of `root`.
    """
    if not real_path(path).is_relative_to(real_path(root)):
        raise UserError(
            f"{path} is a symbolic link that leaves {root}, and is not followed: put the files themselves there, or "
            f"give --data-root {real_path(path).parent}."
        )
    return path


def is_photo(name: str) -> bool:
    """Whether a file is an image of a data set, by its name; hidden files are not."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")
