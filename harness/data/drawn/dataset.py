"""What every drawn data set is made of: seeds by split, a hash of the drawing, cached images, true edits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import resvg_py
from numpy.typing import NDArray

from bridgebench.harness.data.base import ImageSet, Looks, Split
from bridgebench.harness.data.cache import CachedImages, Draw, Job, cached_images
from bridgebench.harness.data.drawn.fields import positions
from bridgebench.harness.processes.parallel import run_all
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.templates import templates_folder

Indices = Sequence[int] | NDArray[np.integer]

_ROOM = 10_000_000
# Recipes of the first edition were chosen on the images of the seeds from 2 * _ROOM on: they are in no split any more.
_FIRST = {"train": 0, "validation": _ROOM, "test": 3 * _ROOM}
SEEDS: dict[str, range] = {split: range(first, first + _ROOM) for split, first in _FIRST.items()}
"""The seeds of each split; they cannot overlap, whatever the counts."""


_FRESH = 2**32  # seeds from here on are of people in no split


@dataclass(frozen=True)
class DrawnSet(ImageSet):
    """A split of drawings; `seeds` has the seed of each image's identity."""

    seeds: range
    split: Split

    has_truth: ClassVar[bool] = True

    def drawn(self, index: int) -> tuple[Any, ...]:
        """The records whose fields decide the drawing of an image, its labels aside."""
        raise NotImplementedError

    def fresh(self, labels: NDArray) -> NDArray[np.uint8]:
        """See `ImageSet.fresh`. A row of labels that stands there k times gets the first k people of these labels."""
        seen: Counter[bytes] = Counter()
        seeds = []
        for row in np.asarray(labels, np.uint8):
            seeds.append(_fresh_seed(row.tobytes(), seen[row.tobytes()]))
            seen[row.tobytes()] += 1
        return self.drawings(labels, seeds)

    def drawings(self, labels: NDArray, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """The people of `seeds` (n) drawn with `labels` (n, A): uint8 (n, H, W, 3)."""
        raise NotImplementedError

    def parameters(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The drawing's own parameters: their K names, and values (N, K) in [0, 1] (see `fields.positions`)."""
        found = [
            {name: value for record in self.drawn(index) for name, value in positions(record).items()}
            for index in range(len(self.labels))
        ]
        return tuple(found[0]), np.array([list(row.values()) for row in found], np.float32)


def _fresh_seed(labels: bytes, number: int) -> int:
    """The seed of the person with this number among those of a label vector; it is beyond the seeds of all splits."""
    digest = hashlib.sha256(labels + number.to_bytes(8, "big")).digest()
    return _FRESH + int.from_bytes(digest[:6], "big")


def draw_split(
    draw: Draw[int], split: str, count: int, size: int, key: dict[str, Any], *, name: str, cache_dir: Path | None,
) -> CachedImages:  # fmt: skip
    """The images of a split's first `count` seeds, each `draw`n from its seed; `key` holds what else decides a pixel.

    Raises UserError for an unknown split, a count or size out of range, or a cache that cannot be written.
    """
    if split not in SEEDS:
        raise UserError(f"'{split}' is not a split of the drawn {name}.{did_you_mean(split, SEEDS)}")
    if not 1 <= count <= _ROOM:
        raise UserError(f"A split of the drawn {name} has 1 to {_ROOM} images, not {count}: give its count in [data].")
    if not 16 <= size <= 1024:
        raise UserError(f"The {name} are drawn at 16 to 1024 pixels, not at {size}.")
    seeds = SEEDS[split][:count]
    key = {**key, "split": split, "first": seeds.start, "count": count, "size": size}
    return cached_images(key, draw, seeds, size=size, name=name, cache_dir=cache_dir)


def split_ids(split: str, count: int) -> tuple[str, ...]:
    """A name for each image of a split."""
    return tuple(f"{split}-{k:07d}" for k in range(count))


def digest_of(images: CachedImages, labels: NDArray[np.uint8]) -> str:
    """The hash of a set's contents."""
    return hashlib.sha256(images.sha256.encode() + labels.tobytes()).hexdigest()


@cache
def drawing_hash(template: str, version: int) -> str:
    """Everything that decides how an identity becomes pixels."""
    content = (templates_folder() / template).read_bytes()
    return hashlib.sha256(content + f"drawing {version}, resvg-py {resvg_py.__version__}".encode()).hexdigest()


def check_lengths(indices: Indices, labels: NDArray, looks: Sequence[Looks] | None) -> None:
    """Raises ValueError unless there is a row of labels, and looks if there are any, for every index."""
    if len(indices) != len(labels) or (looks is not None and len(looks) != len(indices)):
        raise ValueError("indices, labels and looks must have the same length")


def draw_edits(draw: Draw[Job], jobs: Sequence[Job], size: int) -> NDArray[np.uint8]:
    """The drawings of `jobs` as uint8 (n, size, size, 3)."""
    edits = np.empty((len(jobs), size, size, 3), np.uint8)
    for row, image in enumerate(run_all(draw, jobs, title="")):
        edits[row] = image
    return edits
