"""AFHQ (Choi et al., StarGAN v2, CVPR 2020) as published: it is read in place, and nothing is downloaded.

    ROOT/ or ROOT/afhq/ or ROOT/afhq_v2/, or the same in ROOT/afhq.zip or ROOT/afhq_v2.zip
        train/{cat,dog,wild}/*.jpg    of any size; 512 x 512 as published, .png in version 2
        val/{cat,dog,wild}/*.jpg      (test/ in version 2)

Our split "test" is the folder val (or test). In each domain's folder in train, the last photos by name (one in fifty,
at least one) are the split "validation" and are not trained on. The rest is "train".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, zip_longest
from pathlib import Path

import numpy as np

from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.photo_cache import prepared_photos
from bridgebench.harness.data.photo_sources import PhotoFolder, PhotoSource, PhotoZip, State, inside
from bridgebench.harness.data.resize import Preparation
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS

PUBLISHED = "https://github.com/clovaai/stargan-v2"
TEST_PARTS = ("val", "test")
_PARTS = ("train", *TEST_PARTS)
_FOLDERS = ("afhq", "afhq_v2")
_ENDINGS = tuple(f"{part}/{domain}" for part in _PARTS for domain in DOMAINS)
_ONE_IN = 50


def load_afhq(
    root: Path | None,
    split: Split,
    image_size: int,
    *,
    count: int = 0,
    limit: int | None = None,
    skip_damaged: bool = False,
    cache_dir: Path | None = None,
) -> ImageSet:
    """A split of AFHQ. Domains alternate (cat, dog, wild, cat, ...) while they have photos; each is sorted by name.

    The whole photo is resized to `image_size` by Pillow's bilinear filter with antialias, as in StarGAN v2. A label is
    one-hot, with one column for each of ``methods.core.labels.DOMAINS``.

    Args:
        root: the folder described at the top of this file.
        split: "train", "validation" or "test".
        image_size: side of the images in pixels.
        count: take this many photos of the split, the first ones; the split must have them. 0: take all.
        limit: take at most this many.
        skip_damaged: leave out photos that are damaged.
        cache_dir: where prepared photos are kept; see :func:`harness.processes.user_cache.default_cache_dir`.

    Raises:
        UserError: the data set is missing, a photo is damaged, or the split has fewer photos than `count`.
    """
    source = locate_afhq(root)
    states = photos_of(source, split)
    _check_domains(source, split, states)
    names = list(_in_turn(states))
    if len(names) < max(count, 1):
        wanted = f"{count} are asked for" if count else "it needs some"
        raise UserError(f"The {split} split of AFHQ in {source.place} holds {len(names)} photos; {wanted}.")
    prepared = prepared_photos(
        source,
        names,
        states,
        Preparation(None, "antialiased", image_size),
        name="afhq",
        wanted=min(count or len(names), limit or len(names)),
        skip_damaged=skip_damaged,
        cache_dir=cache_dir,
    )
    ids = [names[row] for row in prepared.rows]
    facts = [prepared.digest, prepared.preparation, ids]
    return ImageSet(
        images=prepared.images,
        labels=np.array([[domain_of(name) == domain for domain in DOMAINS] for name in ids], np.uint8),
        ids=ids,
        attributes=DOMAINS,
        image_size=image_size,
        name="afhq",
        digest=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        preparation=prepared.preparation,
    )


def locate_afhq(root: Path | None) -> PhotoSource:
    """Finds AFHQ in a folder, unpacked or zipped; `root` may also be the zip itself.

    Raises:
        UserError: AFHQ is not found.
    """
    expected = f"train/ and val/, each with the folders {', '.join(f'{domain}/' for domain in DOMAINS)}"
    published = f"the data set is published at {PUBLISHED} and is not downloaded for you"
    if root is None:
        raise UserError(f"AFHQ is needed: give --data-root FOLDER, which holds {expected}; {published}.")
    for folder in (root, *(root / name for name in _FOLDERS)):
        if any((folder / part / domain).is_dir() for part in _PARTS for domain in DOMAINS):
            inside(folder, root)
            return PhotoFolder(folder, root)
    for file in (root, *(root / f"{name}.zip" for name in _FOLDERS)):
        if file.suffix == ".zip" and file.is_file():
            archive = PhotoZip(inside(file, root))
            top = next((folder for folder in sorted(archive.folders()) if folder.endswith(_ENDINGS)), None)
            if top is not None:
                return archive.at("/".join(top.split("/")[:-2]))
    raise UserError(
        f"AFHQ is not in {root}, which should hold {expected}, or {_FOLDERS[0]}.zip with them; {published}."
    )


def photos_of(source: PhotoSource, split: Split) -> dict[str, State]:
    """The photos of a split with their states, named like ``train/cat/NAME``; sorted by domain, then by name."""
    found: dict[str, State] = {}
    for domain in DOMAINS:
        photos = photos_in(source, TEST_PARTS if split == "test" else ("train",), domain)
        found.update((name, photos[name]) for name in _part_of(split, sorted(photos)))
    return found


def photos_in(source: PhotoSource, parts: Iterable[str], domain: str) -> Mapping[str, State]:
    """The photos of a domain, from the first of these folders that has any."""
    return next((there for part in parts if (there := source.photos(f"{part}/{domain}"))), {})


def _check_domains(source: PhotoSource, split: Split, states: Iterable[str]) -> None:
    """Raises UserError if a domain has no photos in the split, which would leave gaps in every table.

    A validation split may lack a domain: if train has a single photo of it, none is left for validation.
    """
    found = {domain_of(name) for name in states}
    lacking = [domain for domain in DOMAINS if domain not in found]
    if lacking and split != "validation":
        folder = "train" if split == "train" else TEST_PARTS[0]
        places = " and ".join(source.where(f"{folder}/{domain}") for domain in lacking)
        raise UserError(
            f"No photo (.jpg or .png) lies in {places}: the {split} split of AFHQ needs photos of every domain; "
            f"the data set is published at {PUBLISHED}."
        )


def domain_of(name: str) -> str:
    """The domain of a photo, by its name."""
    return name.split("/")[1]


def _part_of(split: Split, names: list[str]) -> list[str]:
    """The photos of the split, selected from a domain's sorted photos."""
    if split == "test":
        return names
    kept = len(names) - (max(1, len(names) // _ONE_IN) if len(names) > 1 else 0)
    return names[:kept] if split == "train" else names[kept:]


def _in_turn(names: Iterable[str]) -> Iterator[str]:
    """The first photo of each domain, then the second of each, and so on, while a domain has photos."""
    by_domain = [list(some) for _, some in groupby(names, domain_of)]
    return (name for turn in zip_longest(*by_domain) for name in turn if name is not None)
