"""Drawn faces as a data set: seeds become labels and identities, and every edit has a true image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.base import Looks
from bridgebench.harness.data.drawn.dataset import (  # fmt: skip
    SEEDS,
    DrawnSet,
    Indices,
    Split,
    check_lengths,
    digest_of,
    draw_edits,
    draw_split,
    drawing_hash,
    split_ids,
)
from bridgebench.harness.data.faces.drawing import DRAWING_VERSION
from bridgebench.harness.data.faces.identity import Identity, sample_identity
from bridgebench.harness.data.faces.labels import sample_labels
from bridgebench.harness.data.faces.render import render
from bridgebench.methods.core.labels import CELEBA14


@dataclass(frozen=True)
class FaceSet(DrawnSet):
    """A split of drawn faces."""

    balance: bool

    def identity(self, index: int) -> Identity:
        """Who is drawn in the image `index`."""
        return sample_identity(self.seeds[index])

    def drawn(self, index: int) -> tuple[Identity]:
        """See `DrawnSet.drawn`."""
        return (self.identity(index),)

    def drawings(self, labels: NDArray, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """See `DrawnSet.drawings`."""
        jobs = [(row, sample_identity(seed)) for row, seed in zip(np.asarray(labels, np.uint8), seeds, strict=True)]
        return draw_edits(partial(_draw_edit, self.image_size), jobs, self.image_size)

    def true_edit(
        self,
        indices: Indices,
        labels: NDArray,
        looks: Sequence[Looks] | None = None,
    ) -> NDArray[np.uint8]:
        """See `ImageSet.true_edit`; raises ValueError if the lengths differ."""
        check_lengths(indices, labels, looks)
        people = [self.identity(int(index)) for index in indices]
        for row, styles in enumerate(looks or ()):
            for attribute, reference in styles:
                people[row] = people[row].with_style(attribute, self.identity(int(reference)))
        jobs = list(zip(np.asarray(labels, np.uint8), people, strict=True))
        return draw_edits(partial(_draw_edit, self.image_size), jobs, self.image_size)


def labels_of_split(split: str, count: int, balance: bool) -> NDArray[np.uint8]:
    """The labels (count, 14) of the first faces of a split; see `sample_labels`."""
    return np.stack([sample_labels(seed, balance) for seed in SEEDS[split][:count]])


def load_faces(
    split: str,
    count: int,
    size: int,
    balance: bool = False,
    cache_dir: Path | None = None,
) -> FaceSet:
    """The first `count` faces of a split ("train", "validation" or "test"), drawn at `size` pixels.

    They are drawn on the first call and read from the cache (see `harness.data.cache`) from then on. `balance` draws
    the labels evenly instead of with CelebA's frequencies (see `sample_labels`); identities stay the same.
    Many faces are drawn by processes that import the calling script: guard its top level with `__name__ == "__main__"`.

    Raises UserError for an unknown split, a count or size out of range, or a cache that cannot be written.
    """
    key = {"drawing": drawing_hash("face.svg.j2", DRAWING_VERSION), "balance": balance}
    draw = partial(_draw_face, size, balance)
    cached = draw_split(draw, split, count, size, key, name="faces", cache_dir=cache_dir)
    seeds = SEEDS[split][:count]
    labels = labels_of_split(split, count, balance)
    return FaceSet(
        images=cached.images,
        labels=labels,
        ids=split_ids(split, count),
        attributes=CELEBA14,
        image_size=size,
        name="faces",
        digest=digest_of(cached, labels),
        seeds=seeds,
        split=cast(Split, split),
        balance=balance,
    )


def _draw_face(size: int, balance: bool, seed: int) -> NDArray[np.uint8]:
    return render(sample_labels(seed, balance), sample_identity(seed), size)


def _draw_edit(size: int, job: tuple[NDArray[np.uint8], Identity]) -> NDArray[np.uint8]:
    return render(*job, size)
