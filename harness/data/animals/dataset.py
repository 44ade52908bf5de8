"""Drawn animals as a data set: cats, dogs and wild ones in turn, and every conversion has a true image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.animals.drawing import DRAWING_VERSION
from bridgebench.harness.data.animals.identity import Identity, Look, Scene, sample_identity
from bridgebench.harness.data.animals.render import render
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
from bridgebench.methods.core.labels import DOMAINS


class AnimalSet(DrawnSet):
    """A split of drawn animals: image k is of the domain k mod 3; labels are one-hot in the order of `DOMAINS`."""

    def identity(self, index: int) -> Identity:
        """Who is drawn in the image `index`."""
        return sample_identity(self.seeds[index])

    def drawn(self, index: int) -> tuple[Scene, Look]:
        """See `DrawnSet.drawn`: the scene, and the look in the domain that is drawn."""
        who = self.identity(index)
        return who.scene, who.look(DOMAINS[int(self.labels[index].argmax())])

    def drawings(self, labels: NDArray, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """See `DrawnSet.drawings`; `labels` are one-hot."""
        domains = [DOMAINS[k] for k in np.asarray(labels).argmax(axis=1)]
        jobs = [(domain, sample_identity(seed)) for domain, seed in zip(domains, seeds, strict=True)]
        return draw_edits(partial(_draw_edit, self.image_size), jobs, self.image_size)

    def true_edit(
        self,
        indices: Indices,
        labels: NDArray,
        looks: Sequence[Looks] | None = None,
    ) -> NDArray[np.uint8]:
        """The images `indices` converted to the domains of the one-hot `labels` (n, 3): uint8 (n, H, W, 3).

        Pose, light, background and expression stay. Without `looks` an animal has its own look in the domain; with
        them it looks as the identity of the image beside the domain's name does there.

        Raises ValueError if the lengths differ or a row of labels is not one-hot.
        """
        check_lengths(indices, labels, looks)
        hot = np.asarray(labels)
        if hot.ndim != 2 or hot.shape[1] != len(DOMAINS) or not ((hot != 0).sum(axis=1) == 1).all():
            raise ValueError(f"labels must be one-hot rows of {len(DOMAINS)} domains")
        domains = [DOMAINS[k] for k in hot.argmax(axis=1)]
        animals = [self.identity(int(index)) for index in indices]
        for row, styles in enumerate(looks or ()):
            for domain, reference in styles:
                animals[row] = animals[row].with_look(domain, self.identity(int(reference)))
        jobs = list(zip(domains, animals, strict=True))
        return draw_edits(partial(_draw_edit, self.image_size), jobs, self.image_size)


def load_animals(
    split: str,
    count: int,
    size: int,
    cache_dir: Path | None = None,
) -> AnimalSet:
    """The first `count` animals of a split ("train", "validation" or "test"), drawn at `size` pixels.

    They are drawn on the first call and read from the cache (see `harness.data.cache`) from then on.
    Many animals are drawn by processes that import the calling script: guard its top level with
    `__name__ == "__main__"`.

    Raises UserError for an unknown split, a count or size out of range, or a cache that cannot be written.
    """
    key = {"drawing": drawing_hash("animal.svg.j2", DRAWING_VERSION)}
    draw = partial(_draw_animal, size)
    cached = draw_split(draw, split, count, size, key, name="animals", cache_dir=cache_dir)
    seeds = SEEDS[split][:count]
    labels = np.eye(len(DOMAINS), dtype=np.uint8)[np.arange(count) % len(DOMAINS)]
    return AnimalSet(
        images=cached.images,
        labels=labels,
        ids=split_ids(split, count),
        attributes=DOMAINS,
        image_size=size,
        name="animals",
        digest=digest_of(cached, labels),
        seeds=seeds,
        split=cast(Split, split),
    )


def _draw_animal(size: int, seed: int) -> NDArray[np.uint8]:
    # a split's seeds start at a multiple of three only by chance: count from the split's first seed
    first = next(seeds.start for seeds in SEEDS.values() if seed in seeds)
    return render(DOMAINS[(seed - first) % len(DOMAINS)], sample_identity(seed), size)


def _draw_edit(size: int, job: tuple[str, Identity]) -> NDArray[np.uint8]:
    return render(*job, size)
