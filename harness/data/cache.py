"""Drawn images are kept on disk: one .npy file for each content key, made by all cores, read as a memory map."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from methods.errors import UserError

Job = TypeVar("Job")
Draw = Callable[[Job], NDArray[np.uint8]]

_CHUNK = 50
_WORTH_A_POOL = 400  # starting the processes costs as much as drawing this many


@dataclass(frozen=True)
class CachedImages:
    """Images (N, H, W, 3) uint8 as a read-only memory map, and the sha256 of their bytes."""

    images: NDArray[np.uint8]
    sha256: str


def default_cache_dir() -> Path:
    """$BRIDGEBENCH_CACHE, or ~/.cache/bridgebench."""
    named = os.environ.get("BRIDGEBENCH_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "bridgebench"


def cached_images(
    key: Mapping[str, Any],
    draw: Draw[Job],
    jobs: Sequence[Job],
    *,
    size: int,
    name: str,
    cache_dir: Path | None = None,
    progress: bool = True,
) -> CachedImages:
    """The images of `jobs` (at least one), each `draw`n as uint8 (size, size, 3); drawn once, then read from the cache.

    `key` (JSON-able) must hold everything that decides a pixel: it names the file. `draw` must be picklable. A file
    that is missing, cut short, or altered is made again. Two processes may build at once: each writes a file of its
    own and renames it, and both files have the same bytes.

    Raises UserError if the cache folder cannot be written.
    """
    folder = cache_dir or default_cache_dir()
    shape = (len(jobs), size, size, 3)
    stem = f"{name}-{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]}"
    images, record = folder / f"{stem}.npy", folder / f"{stem}.json"
    found = _read(images, record, shape)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _build(images, record, shape, draw_all(draw, jobs, title=f"Drawing {len(jobs)} {name}", progress=progress))
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"Cannot write the image cache in {folder} ({reason}); set BRIDGEBENCH_CACHE to a folder with room."
        ) from error
    found = _read(images, record, shape)
    if found is None:
        raise UserError(f"The image cache in {folder} does not keep what is written to it; set BRIDGEBENCH_CACHE.")
    return found


def draw_all(draw: Draw[Job], jobs: Sequence[Job], title: str, progress: bool) -> Iterator[NDArray[np.uint8]]:
    """The images of `jobs` one after the other, in their order; many of them are drawn by all cores."""
    cores = os.cpu_count() or 1
    with _bar(title, len(jobs), progress) as advance:
        if len(jobs) < _WORTH_A_POOL or cores == 1:
            for job in jobs:
                yield draw(job)
                advance()
            return
        # spawn, not fork: the caller may hold torch's threads
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
            for image in _ordered(pool, draw, jobs, waiting=4 * cores):
                yield image
                advance()


def _ordered(
    pool: ProcessPoolExecutor, draw: Draw[Job], jobs: Sequence[Job], waiting: int
) -> Iterator[NDArray[np.uint8]]:
    """Chunks of jobs through the pool, at most `waiting` ahead of what was taken: results never pile up."""
    chunks = (jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK))
    ahead = [pool.submit(_draw_chunk, draw, chunk) for chunk in islice(chunks, waiting)]
    while ahead:
        yield from ahead.pop(0).result()
        ahead += [pool.submit(_draw_chunk, draw, chunk) for chunk in islice(chunks, 1)]


def _draw_chunk(draw: Draw[Job], jobs: Sequence[Job]) -> list[NDArray[np.uint8]]:
    return [draw(job) for job in jobs]


@contextmanager
def _bar(title: str, total: int, shown: bool) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)


def _read(images: Path, record: Path, shape: tuple[int, ...]) -> CachedImages | None:
    """The cached images if both files are there and agree, else None."""
    try:
        wanted = json.loads(record.read_text(encoding="utf-8"))["sha256"]
        found = np.load(images, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    if found.shape != shape or found.dtype != np.uint8 or not found.flags.c_contiguous or _sha256(found) != wanted:
        return None
    return CachedImages(found, wanted)


def _sha256(images: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(images), 1000):
        digest.update(np.ascontiguousarray(images[start : start + 1000]).data)
    return digest.hexdigest()


def _build(images: Path, record: Path, shape: tuple[int, ...], drawn: Iterator[NDArray[np.uint8]]) -> None:
    with _renamed_when_done(images) as temporary:
        target = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        for row, image in enumerate(drawn):
            target[row] = image
        target.flush()
        digest = _sha256(target)
        del target
    with _renamed_when_done(record) as temporary:
        temporary.write_text(json.dumps({"sha256": digest}) + "\n", encoding="utf-8")


@contextmanager
def _renamed_when_done(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder; it becomes `path` at the end, and is removed after an error."""
    temporary = path.with_name(f".{path.stem}-{uuid4().hex}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
