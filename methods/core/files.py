"""Files: written whole or not at all, read within limits (strangers may have made them), and their names."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import stat
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridgebench.methods.core.errors import CannotWrite, UserError

TEMPORARY = ".bridgebench.tmp"  # no other program ends names so: what a killed process left is known to be ours
LARGEST_RECORD = 64 * 2**20
_DEEPEST = 64  # levels of JSON
_LONGEST_INTEGER = 20  # characters


def write_bytes(path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
    """Writes a whole file or nothing: under a temporary name beside it, synced to the disk, then renamed.

    Missing folders are made. If the process is killed, either the old file or the whole new one is there. Without
    `durable` nothing is synced: this is enough for the many files of a page, which are made again if the power fails.

    Raises:
        CannotWrite: a full disk, a folder that is read-only or no folder, a name too long, ...
    """
    try:
        _write(path, data, durable)
    except OSError as error:
        raise CannotWrite(
            f"{path} cannot be written ({error.strerror or error}); what was there before is untouched: make room or "
            "name another folder, and give the same command again."
        ) from error


def _write(path: Path, data: bytes | memoryview, durable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_temporaries(folder: Path, name: str) -> None:
    """Removes the temporary files that killed processes left in `folder`; `name`: of the file, may be a pattern."""
    within, _, last = name.rpartition("/")
    for path in (folder / within).glob(f".{last}.*{TEMPORARY}"):
        path.unlink(missing_ok=True)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out`. It becomes `out` when the block ends well; else nothing of it stays.

    What a killed process left of an earlier try is removed first.

    Args:
        out: the folder to be made. It must not exist, or be empty.

    Raises:
        UserError: something is at `out`, or another process is making it just now.
        CannotWrite: the folder cannot be written.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 (a link in its place must stay one, to be refused)
    _refuse_used(out)
    lock = FileLock(out.with_name(f".{out.name}{TEMPORARY}"), timeout=0, fallback_to_soft=False)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            for left in out.parent.glob(f".{escape(out.name)}.*{TEMPORARY}"):
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
            temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=TEMPORARY))
            try:
                yield temporary
                _sync(temporary)
                temporary.chmod(0o755)
                _refuse_used(out)
                if out.is_dir():
                    out.rmdir()
                temporary.rename(out)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout:
        raise UserError(f"Another process is making {out} just now: wait for it, or name another folder.") from None
    except OSError as error:
        raise CannotWrite(
            f"{out} cannot be made ({error.strerror or error}); nothing of it is there: make room or name another "
            "folder, and give the same command again."
        ) from error


def _refuse_used(out: Path) -> None:
    if os.path.lexists(out) and (out.is_symlink() or not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists already, and nothing is written into it: move it away, or name another folder.")


def _sync(folder: Path) -> None:
    """Makes sure that the files of a folder are on the disk, so that a failure of power leaves no empty ones."""
    for place, _, names in os.walk(folder):
        for name in names:
            with Path(place, name).open("rb") as file:
                os.fsync(file.fileno())


def quote(name: str) -> str:
    """A method's name as a folder name: percent-quoted where it has anything but ``[A-Za-z0-9._-]``."""
    quoted = urllib.parse.quote(name, safe="").replace("~", "%7E")
    return quoted.replace(".", "%2E") if not quoted.strip(".") else quoted


def read_bytes(path: Path, largest: int = LARGEST_RECORD, *, follow: bool = True) -> bytes:
    """The content of a regular file; arguments and errors as of `open_regular`."""
    with open_regular(path, largest, follow=follow) as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"larger than {largest:,} bytes")
    return data


@contextmanager
def open_regular(path: Path, largest: int, *, follow: bool = True) -> Iterator[io.BufferedReader]:
    """Opens a regular file of at most `largest` bytes; nothing else is opened, so that nothing can hang.

    Args:
        path: the file.
        largest: the most bytes that it may have.
        follow: whether a symbolic link is followed. Files of a run directory are read without.

    Raises:
        ValueError: the file is larger, or is a folder, a pipe, a socket, a device or (without `follow`) a link.
        OSError: the file cannot be read.
    """
    _check_regular(path.stat() if follow else path.lstat(), largest)
    # The checks are repeated on what was opened. A pipe that took the file's place meanwhile is not waited for.
    flags = [getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY")]
    handle = os.open(path, os.O_RDONLY | sum(flags) | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    try:
        _check_regular(os.fstat(handle), largest)
        with os.fdopen(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def _check_regular(found: os.stat_result, largest: int) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise ValueError("a symbolic link")
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("not a regular file")
    if found.st_size > largest:
        raise ValueError(f"larger than {largest:,} bytes")


def refuse_irregular(path: Path) -> None:
    """Refuses what is not a regular file where one of ours should be; nothing there at all is fine.

    Raises:
        UserError: there is a folder, a pipe, a socket or a device.
        OSError: the folder cannot be looked into.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path} is not a regular file: move it away, and give the same command again.")


def refuse_existing(path: Path) -> None:
    """Refuses to write a file where there is one: it may be somebody's only copy.

    Raises:
        UserError: something is there.
    """
    if os.path.lexists(path):
        raise UserError(f"{path} exists already, and is not replaced: move it away, or name another file.")


def refuse_page(path: Path) -> None:
    """Refuses a web page, which some sites send in place of the file that was asked for.

    Raises:
        UserError: the file is a web page.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise UserError(f"{path} is a web page, not the file itself: open its address in a browser and fetch it again.")


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text, in which nothing is that later code would stumble over.

    Raises:
        ValueError: the text is no JSON, is nested more than 64 levels deep, or holds a number that JSON lacks (NaN,
            Infinity), an integer of more than 64 bits, a float that is too large, half a character (a lone surrogate),
            or a name twice in one object.
    """
    try:
        value = json.loads(
            data,
            parse_constant=_no_number,
            parse_int=_whole_number,
            parse_float=_finite_number,
            object_pairs_hook=_without_doubles,
        )
        _check_depth(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    halves = b"\\ud" if isinstance(data, bytes) else "\\ud"
    if halves in data.lower():  # type: ignore[operator]
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text in it holds half a character") from None
    return value


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _whole_number(text: str) -> int:
    if len(text) > _LONGEST_INTEGER or not -(2**63) <= (number := int(text)) < 2**64:
        raise ValueError("an integer in it is too large")
    return number


def _finite_number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number in it is too large")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one of its objects")
    return found


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for several in inner for each in several if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError("nested too deeply")


def real_path(path: str | Path) -> Path:
    """A path from the root, without symbolic links. One that leads in a circle stays; `Path.resolve` may fail there."""
    return Path(os.path.realpath(path))


def check_links(folder: Path) -> None:
    """Refuses a folder with symbolic links that lead out of it: strangers may have made the folder.

    Raises:
        UserError: there is such a link.
    """
    root = real_path(folder)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() and not real_path(path).is_relative_to(root):
                raise UserError(f"{path} is a symbolic link that leads out of {folder}; remove it.")
