"""Drawn faces as a data set: seeds become labels and identities, and every edit has a true image."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import ClassVar, Literal, cast

import numpy as np
import resvg_py
from numpy.typing import NDArray

from harness.data.base import ImageSet
from harness.data.cache import cached_images, draw_all
from harness.data.faces.drawing import DRAWING_VERSION
from harness.data.faces.identity import Identity, sample_identity
from harness.data.faces.labels import sample_labels
from harness.data.faces.render import render
from methods.attributes import CELEBA14
from methods.errors import UserError, did_you_mean
from templates import templates_folder

Split = Literal["train", "validation", "test"]

_ROOM = 10_000_000
SEEDS: dict[str, range] = {
    split: range(k * _ROOM, (k + 1) * _ROOM) for k, split in enumerate(("train", "validation", "test"))
}
"""The seeds of each split; they cannot overlap, whatever the counts."""


@dataclass(frozen=True)
class FaceSet(ImageSet):
    """A split of drawn faces; `seeds` has the seed of each image's identity."""

    seeds: range
    split: Split
    balance: bool

    has_truth: ClassVar[bool] = True

    def identity(self, index: int) -> Identity:
        """Who is drawn in the image `index`."""
        return sample_identity(self.seeds[index])

    def true_edit(
        self,
        indices: Sequence[int] | NDArray[np.integer],
        labels: NDArray,
        reference_indices: Sequence[int] | NDArray[np.integer] | None = None,
        attribute: str | None = None,
    ) -> NDArray[np.uint8]:
        """See `ImageSet.true_edit`; raises ValueError if the lengths differ or a reference comes without attribute."""
        if len(indices) != len(labels) or (reference_indices is not None and len(reference_indices) != len(indices)):
            raise ValueError("indices, labels and reference_indices must have the same length")
        people = [self.identity(int(index)) for index in indices]
        if reference_indices is not None:
            if attribute is None:
                raise ValueError("a true edit by reference needs the name of the attribute")
            references = [self.identity(int(index)) for index in reference_indices]
            people = [who.with_style(attribute, other) for who, other in zip(people, references, strict=True)]
        jobs = list(zip(np.asarray(labels, np.uint8), people, strict=True))
        edits = np.empty((len(jobs), self.image_size, self.image_size, 3), np.uint8)
        for row, image in enumerate(draw_all(partial(_draw_edit, self.image_size), jobs, title="", progress=False)):
            edits[row] = image
        return edits


def load_faces(
    split: str,
    count: int,
    size: int,
    balance: bool = False,
    cache_dir: Path | None = None,
    progress: bool = True,
) -> FaceSet:
    """The first `count` faces of a split ("train", "validation" or "test"), drawn at `size` pixels.

    They are drawn on the first call and read from the cache (see `harness.data.cache`) from then on. `balance` draws
    the labels evenly instead of with CelebA's frequencies (see `sample_labels`); identities stay the same.
    Many faces are drawn by processes that import the calling script: guard its top level with `__name__ == "__main__"`.

    Raises UserError for an unknown split, a count or size out of range, or a cache that cannot be written.
    """
    seeds = _seeds(split, count)
    if not 16 <= size <= 1024:
        raise UserError(f"Faces are drawn at 16 to 1024 pixels, not at {size}.")
    labels = np.stack([sample_labels(seed, balance) for seed in seeds])
    key = {"drawing": _drawing_hash(), "split": split, "count": count, "size": size, "balance": balance}
    draw = partial(_draw_face, size, balance)
    cached = cached_images(key, draw, seeds, size=size, name="faces", cache_dir=cache_dir, progress=progress)
    return FaceSet(
        images=cached.images,
        labels=labels,
        ids=tuple(f"{split}-{k:07d}" for k in range(count)),
        attributes=CELEBA14,
        image_size=size,
        name="faces",
        digest=hashlib.sha256(cached.sha256.encode() + labels.tobytes()).hexdigest(),
        seeds=seeds,
        split=cast(Split, split),
        balance=balance,
    )


def _seeds(split: str, count: int) -> range:
    if split not in SEEDS:
        raise UserError(f"'{split}' is not a split of the drawn faces.{did_you_mean(split, SEEDS)}")
    if not 1 <= count <= _ROOM:
        raise UserError(f"A split of the drawn faces has 1 to {_ROOM} faces, not {count}: give its count in [data].")
    return SEEDS[split][:count]


@cache
def _drawing_hash() -> str:
    """Everything that decides how labels and identity become pixels."""
    template = (templates_folder() / "face.svg.j2").read_bytes()
    return hashlib.sha256(template + f"drawing {DRAWING_VERSION}, resvg-py {resvg_py.__version__}".encode()).hexdigest()


def _draw_face(size: int, balance: bool, seed: int) -> NDArray[np.uint8]:
    return render(sample_labels(seed, balance), sample_identity(seed), size)


def _draw_edit(size: int, job: tuple[NDArray[np.uint8], Identity]) -> NDArray[np.uint8]:
    return render(*job, size)
