"""One block of an image cache: made by any process, written to its place in the array, and read back as a hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

import numpy as np
from bridgebench.methods.core.errors import UserError
from numpy.typing import NDArray

Job = TypeVar("Job")
Draw = Callable[[Job], NDArray[np.uint8]]


@dataclass(frozen=True)
class Block:
    """What stands on disk of a block: the hash of its pixels, and the rows that could not be made, with the reason."""

    sha256: str
    damaged: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BlockJob(Generic[Job]):
    """A block to be made: images `rows` of the array at `path`, each (H, W, 3) `shape`, drawn from `jobs`."""

    path: Path
    rows: range
    shape: tuple[int, ...]
    draw: Draw[Job]
    jobs: Sequence[Job]

    def __len__(self) -> int:
        return len(self.rows)


def make_block(block: BlockJob) -> Block:
    """Makes the images of a block and writes them to their place in the file."""
    images = np.zeros((len(block), *block.shape), np.uint8)
    damaged: dict[int, str] = {}
    for place, (row, job) in enumerate(zip(block.rows, block.jobs, strict=True)):
        try:
            images[place] = block.draw(job)
        except UserError as error:
            damaged[row] = str(error)
    with block.path.open("r+b") as file:  # not through a memory map: a full disk would end the process there
        _seek(file, block.rows.start)
        file.write(images.data)
    return Block(hashlib.sha256(images.data).hexdigest(), damaged)


def read_hash(path: Path, rows: range) -> str:
    """Hash of rows as they are on disk; read as a file, so that memory stays flat."""
    with path.open("rb") as file:
        image = _seek(file, rows.start)
        return hashlib.sha256(file.read(len(rows) * image)).hexdigest()


def _seek(file: BinaryIO, row: int) -> int:
    """Goes to an image of an .npy file; returns the bytes an image has."""
    np.lib.format.read_magic(file)
    shape, _, _ = np.lib.format.read_array_header_1_0(file)
    image = int(np.prod(shape[1:]))
    file.seek(row * image, os.SEEK_CUR)
    return image
