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
from bridgebench.methods.core.labels import CELEBA14, WORN, Attributes

DRAWN_ATTRIBUTES = Attributes((*CELEBA14, *WORN))
"""All attributes that can be drawn."""

_STREAM = 3  # of random numbers: 1 draws labels, 2 identities


@dataclass(frozen=True)
class FaceSet(DrawnSet):
    """A split of drawn faces.

    Attributes:
        balance: whether the labels were drawn evenly.
    """

    balance: bool

    def identity(self, index: int) -> Identity:
        """Who is drawn in the image `index`."""
        return self._whole([self.seeds[index]])[1][0]

    def drawn(self, index: int) -> tuple[Identity]:
        """See `DrawnSet.drawn`."""
        return (self.identity(index),)

    def drawings(self, labels: NDArray, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """See `DrawnSet.drawings`."""
        return self._draw(labels, *self._whole(seeds))

    def true_edit(
        self,
        indices: Indices,
        labels: NDArray,
        looks: Sequence[Looks] | None = None,
    ) -> NDArray[np.uint8]:
        """See `ImageSet.true_edit`; raises ValueError if the lengths differ.

        Attributes that are no label columns stay, but for those that a label excludes.
        """
        check_lengths(indices, labels, looks)
        own, people = self._whole([self.seeds[int(index)] for index in indices])
        for row, styles in enumerate(looks or ()):
            for attribute, reference in styles:
                people[row] = people[row].with_style(attribute, self.identity(int(reference)))
        return self._draw(labels, own, people)

    def _whole(self, seeds: Sequence[int]) -> tuple[NDArray[np.uint8], list[Identity]]:
        """All that can be drawn of the faces of some seeds: labels (n, 16) of `DRAWN_ATTRIBUTES`, and identities."""
        evenly = self.balance and bool({*WORN} & {*self.attributes})
        faces = [_face(seed, self.balance, evenly) for seed in seeds]
        return np.array([labels for labels, _ in faces], np.uint8).reshape(-1, 16), [who for _, who in faces]

    def _draw(self, labels: NDArray, own: NDArray[np.uint8], people: list[Identity]) -> NDArray[np.uint8]:
        """The people (n) with labels (n, A), and their `own` labels (n, 16) where these are no columns."""
        wanted = np.asarray(labels, np.uint8)
        for column, name in enumerate(self.attributes):
            own[:, DRAWN_ATTRIBUTES.index(name)] = wanted[:, column]
        for column, name in enumerate(self.attributes):
            for other in DRAWN_ATTRIBUTES.excluded(name):
                if other not in self.attributes:
                    own[wanted[:, column] == 1, DRAWN_ATTRIBUTES.index(other)] = 0
        return draw_edits(partial(_draw_edit, self.image_size), list(zip(own, people, strict=True)), self.image_size)


def labels_of_split(split: str, count: int, balance: bool, attributes: Sequence[str] = CELEBA14) -> NDArray[np.uint8]:
    """The labels (count, A) of the first faces of a split; see `sample_labels`."""
    seeds = SEEDS[split][:count]
    if tuple(attributes) == CELEBA14:
        return np.stack([sample_labels(seed, balance) for seed in seeds])
    evenly = balance and bool({*WORN} & {*attributes})
    columns = [DRAWN_ATTRIBUTES.index(name) for name in attributes]
    return np.stack([_face(seed, balance, evenly)[0] for seed in seeds])[:, columns]


def load_faces(
    split: str,
    count: int,
    size: int,
    balance: bool = False,
    cache_dir: Path | None = None,
    attributes: Sequence[str] = CELEBA14,
) -> FaceSet:
    """The first `count` faces of a split ("train", "validation" or "test"), drawn at `size` pixels.

    They are drawn on the first call and read from the cache (see `harness.data.cache`) from then on. `balance` draws
    the labels evenly instead of with CelebA's frequencies (see `sample_labels`); identities stay the same, but for
    what a face wears, where that is an attribute. `attributes` are label columns, some of `DRAWN_ATTRIBUTES`.
    Many faces are drawn by processes that import the calling script: guard its top level with `__name__ == "__main__"`.

    Raises UserError for an unknown split, a count or size out of range, or a cache that cannot be written.
    """
    evenly = balance and bool({*WORN} & {*attributes})
    key = {"drawing": drawing_hash("face.svg.j2", DRAWING_VERSION), "balance": balance}
    if evenly:
        key["worn"] = "evenly"
    draw = partial(_draw_face, size, balance, evenly)
    cached = draw_split(draw, split, count, size, key, name="faces", cache_dir=cache_dir)
    labels = labels_of_split(split, count, balance, attributes)
    return FaceSet(
        images=cached.images,
        labels=labels,
        ids=split_ids(split, count),
        attributes=tuple(attributes),
        image_size=size,
        name="faces",
        digest=digest_of(cached, labels),
        seeds=SEEDS[split][:count],
        split=cast(Split, split),
        balance=balance,
    )


def _face(seed: int, balance: bool, evenly: bool) -> tuple[NDArray[np.uint8], Identity]:
    """All labels (16) of `DRAWN_ATTRIBUTES`, and who it is; with `evenly` half the faces wear each of `WORN`."""
    who = sample_identity(seed)
    if evenly:
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM])))
        who = who.wearing(*(bool(place < 0.5) for place in rng.random(len(WORN))))
    return np.array([*sample_labels(seed, balance), *who.worn], np.uint8), who


def _draw_face(size: int, balance: bool, evenly: bool, seed: int) -> NDArray[np.uint8]:
    return _draw_edit(size, _face(seed, balance, evenly))


def _draw_edit(size: int, job: tuple[NDArray[np.uint8], Identity]) -> NDArray[np.uint8]:
    labels, who = job
    worn = labels[len(CELEBA14) :].astype(bool)
    return render(labels[: len(CELEBA14)], who.wearing(*worn.tolist()), size)
