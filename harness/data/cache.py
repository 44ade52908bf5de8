"""Keeps images that take time to make on disk: they are made once on all cores, then read as a memory map.

A cache is a folder with two files: ``images.npy``, one uint8 array of all images, and ``blocks.jsonl``, one line for
each finished block, with the hash of its pixels. A killed process leaves complete blocks behind, and the next process
continues from there. A truncated or altered block does not match its hash and is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage
from typing import Any, BinaryIO, Generic, TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.arrays import DAMAGED
from bridgebench.harness.processes.cores import cores
from bridgebench.harness.processes.parallel import run_all
from bridgebench.harness.processes.user_cache import default_cache_dir
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes, refuse_irregular

Job = TypeVar("Job")
Draw = Callable[[Job], NDArray[np.uint8]]

_BLOCK_BYTES = 16 * 2**20
_LARGEST_BLOCK = 256
_WORTH_A_POOL = 400  # images; starting the processes takes as long as drawing this many


@dataclass(frozen=True)
class CachedImages:
    """Images (N, H, W, 3) uint8 as a read-only memory map, and the sha256 of their bytes."""

    images: NDArray[np.uint8]
    sha256: str


@dataclass
class Speed:
    """How many images were made and read, and the wall-clock time in seconds."""

    made: int = 0
    making: float = 0.0
    read: int = 0
    reading: float = 0.0


def cached_images(
    key: Mapping[str, Any],
    draw: Draw[Job],
    jobs: Sequence[Job],
    *,
    size: int,
    name: str,
    cache_dir: Path | None = None,
) -> CachedImages:
    """The images of `jobs` (at least one), each made by `draw` as uint8 (size, size, 3) once, then read from the cache.

    `key` must be storable as JSON and hold everything that decides a pixel; it names the folder. `draw` is picklable.

    Raises UserError if the cache folder cannot be written.
    """
    cache = ImageCache(key, draw, jobs, size=size, name=name, cache_dir=cache_dir)
    for _ in cache.make(len(jobs), f"Drawing {len(jobs)} {name}"):
        pass
    images = cache.images()
    digest = hashlib.sha256()
    for start in range(0, len(images), 1000):
        digest.update(np.ascontiguousarray(images[start : start + 1000]).data)
    return CachedImages(images, digest.hexdigest())


class ImageCache(Generic[Job]):
    """The images of `jobs` on disk, made block by block when needed.

    Two processes may make the same images at once, because they write the same bytes to the same places.

    Args:
        key: storable as JSON; everything that decides a pixel and is the same for all jobs. It names the folder.
        draw: picklable; makes the image of a job, uint8 (size, size, 3). If it raises a UserError, the error is kept as
            the reason why the row is damaged, and the row's pixels are 0.
        jobs: what the images are made from, in order.
        size: side of the images in pixels.
        name: prefix of the folder's name.
        states: storable as JSON, one per job; a block is made again when one of its states changes (say, a new photo).
        cache_dir: parent of the folder; the user's cache by default.
    """

    def __init__(
        self,
        key: Mapping[str, Any],
        draw: Draw[Job],
        jobs: Sequence[Job],
        *,
        size: int,
        name: str,
        states: Sequence[Any] | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        named = _sha256([key, len(jobs), size])[:24]
        self.folder = (cache_dir or default_cache_dir()) / f"{name}-{named}"
        self.shape = (len(jobs), size, size, 3)
        self._path, self._list = self.folder / "images.npy", self.folder / "blocks.jsonl"
        self.speed = Speed()
        self._draw, self._jobs, self._states = draw, jobs, states
        self._step = max(1, min(_LARGEST_BLOCK, _BLOCK_BYTES // (3 * size * size)))
        self._done: dict[int, Block] = {}

    @property
    def damaged(self) -> dict[int, str]:
        """The rows visited by :meth:`make` that could not be made, each with the reason."""
        return {row: reason for _, block in sorted(self._done.items()) for row, reason in block.damaged.items()}

    def images(self) -> NDArray[np.uint8]:
        """All images as a read-only memory map; only rows visited by :meth:`make` are filled."""
        return np.load(self._path, mmap_mode="r", allow_pickle=False)

    def digest(self, rows: int) -> str:
        """Hex hash of the pixels of the first `rows` images, which must have been made."""
        whole, rest = divmod(rows, self._step)
        tail = np.ascontiguousarray(self.images()[whole * self._step : whole * self._step + rest])
        hashes = [self._done[block].sha256 for block in range(whole)]
        return _sha256([*hashes, hashlib.sha256(tail.data).hexdigest()])

    def make(self, rows: int, title: str) -> Iterator[Block]:
        """Makes the missing ones of the first `rows` images; yields each block when it is ready.

        Raises:
            UserError: the cache cannot be written, or something that is no file is in the place of one.
        """
        wanted = [k for k in range(-(-rows // self._step)) if k not in self._done]
        try:
            for path in (self._path, self._list):
                refuse_irregular(path)
            self._allocate()
            yield from self._found(wanted)
            missing = [k for k in wanted if k not in self._done]
            self._check_room(missing)
            yield from self._made(missing, title)
            if lost := [k for k, good in zip(missing, self._verify(missing), strict=True) if not good]:
                raise OSError(0, f"block {lost[0]} is not what was written")
        except OSError as error:
            raise UserError(
                f"Cannot write the image cache in {self.folder.parent} ({error.strerror or error}); set "
                "BRIDGEBENCH_CACHE to a folder with room."
            ) from error

    def _found(self, wanted: Sequence[int]) -> Iterator[Block]:
        """The blocks of `wanted` that are on disk unaltered and were made from the same states."""
        records = self._records()
        known = [k for k in wanted if k in records]
        self._done.update((k, records[k]) for k in known)
        for k, good in zip(known, self._verify(known), strict=True):
            if good:
                yield records[k]
            else:
                del self._done[k]

    def _made(self, missing: Sequence[int], title: str) -> Iterator[Block]:
        started = time.perf_counter()
        jobs = [BlockJob(self._path, self._rows(k), self.shape[1:], self._draw, self._of(k)) for k in missing]
        many = sum(map(len, jobs)) >= _WORTH_A_POOL
        results = run_all(make_block, jobs, title=title, chunk=1, worth=2 if many else len(jobs) + 1, weight=len)
        for k, block in zip(missing, results, strict=True):
            self._done[k] = block
            self._record(k, block)
            self.speed.made += len(self._rows(k))
            yield block
        self.speed.making += time.perf_counter() - started if missing else 0

    def _rows(self, block: int) -> range:
        return range(block * self._step, min((block + 1) * self._step, len(self._jobs)))

    def _of(self, block: int) -> Sequence[Job]:
        rows = self._rows(block)
        return self._jobs[rows.start : rows.stop]

    def _state(self, block: int) -> str:
        rows = self._rows(block)
        return _sha256(None if self._states is None else list(self._states[rows.start : rows.stop]))

    def _allocate(self) -> None:
        """Creates the array's file, which takes disk space only as it is filled."""
        path = self._path
        try:
            found = np.load(path, mmap_mode="r", allow_pickle=False)
            if found.shape == self.shape and found.dtype == np.uint8 and found.flags.c_contiguous:
                return
        except DAMAGED:
            pass
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".images-{uuid4().hex}.npy")
        try:
            np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=self.shape)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _check_room(self, missing: Sequence[int]) -> None:
        """Raises UserError where the disk has no room for some blocks: a stranger's profile may ask for any number."""
        needed, free = self.shape[1] ** 2 * 3 * sum(len(self._rows(k)) for k in missing), disk_usage(self.folder).free
        if needed > free:
            raise UserError(
                f"{self.shape[0]:,} images take {needed / 2**30:,.1f} GiB in {self.folder.parent}, where "
                f"{free / 2**30:,.1f} GiB are free: ask for fewer, or set BRIDGEBENCH_CACHE to a folder with room."
            )

    def _records(self) -> dict[int, Block]:
        """The blocks listed in ``blocks.jsonl``; a line truncated by a kill is ignored."""
        try:
            lines = read_bytes(self._list).decode(errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise UserError(f"{self._list} is damaged ({error}): move {self.folder} away; it is made again.") from error
        found = {}
        for line in lines:
            try:
                entry = parse_json(line)
                if entry["state"] == self._state(entry["block"]):
                    damaged = {int(row): reason for row, reason in entry["damaged"].items()}
                    found[entry["block"]] = Block(entry["sha256"], damaged)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
        return found

    def _record(self, number: int, block: Block) -> None:
        entry = {"block": number, "state": self._state(number), "sha256": block.sha256, "damaged": block.damaged}
        with self._list.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(entry) + "\n")  # the first newline ends a line truncated by a kill

    def _verify(self, blocks: Sequence[int]) -> list[bool]:
        """Whether the pixels of each block match its hash."""
        if not blocks:
            return []
        started = time.perf_counter()
        with ThreadPoolExecutor(cores()) as pool:
            good = list(pool.map(lambda k: read_hash(self._path, self._rows(k)) == self._done[k].sha256, blocks))
        self.speed.read += sum(len(self._rows(k)) for k in blocks)
        self.speed.reading += time.perf_counter() - started
        return good


@dataclass(frozen=True)
class Block:
    """A block on disk: the hash of its pixels, and the rows that could not be made, with the reason."""

    sha256: str
    damaged: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BlockJob(Generic[Job]):
    """A block to be made: images `rows` of the array at `path`, each of `shape` (H, W, 3), drawn from `jobs`."""

    path: Path
    rows: range
    shape: tuple[int, ...]
    draw: Draw[Job]
    jobs: Sequence[Job]

    def __len__(self) -> int:
        return len(self.rows)


def make_block(block: BlockJob) -> Block:
    """Makes the images of a block and writes them to their position in the file."""
    images = np.zeros((len(block), *block.shape), np.uint8)
    damaged: dict[int, str] = {}
    for place, (row, job) in enumerate(zip(block.rows, block.jobs, strict=True)):
        try:
            images[place] = block.draw(job)
        except UserError as error:
            damaged[row] = str(error)
    with block.path.open("r+b") as file:  # no memory map: a full disk would then kill the process
        _seek(file, block.rows.start)
        file.write(images.data)
    return Block(hashlib.sha256(images.data).hexdigest(), damaged)


def read_hash(path: Path, rows: range) -> str:
    """Hash of rows on disk; they are read as a file, so that memory use stays constant."""
    with path.open("rb") as file:
        image = _seek(file, rows.start)
        return hashlib.sha256(file.read(len(rows) * image)).hexdigest()


def _seek(file: BinaryIO, row: int) -> int:
    """Moves to an image of an .npy file; returns the size of an image in bytes."""
    np.lib.format.read_magic(file)
    shape, _, _ = np.lib.format.read_array_header_1_0(file)
    image = int(np.prod(shape[1:]))
    file.seek(row * image, os.SEEK_CUR)
    return image


def _sha256(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
