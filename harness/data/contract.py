"""The contract that every data set keeps: the checks of `bridgebench contract --dataset PROFILE`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.folder import SPLITS
from bridgebench.harness.data.open import open_split
from bridgebench.harness.data.pixels import digest
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.methods.contract import BrokenError, ContractResult, result_of
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import Attributes

_READ = 200  # images of a split that are read, at most
_FEW = 3


def run_data_contract(profile: Profile, data_root: Path | None) -> list[ContractResult]:
    """Checks every point of the contract on the data set of a profile.

    Args:
        profile: names the data set, its label columns and the size of the images.
        data_root: folder of the data set, if the profile names none.

    Returns:
        One result for each point, in a fixed order. If the splits do not open, no other point is checked.
    """
    sets: dict[str, ImageSet] = {}

    def opens() -> str:
        sets.update((split, open_split(profile, split, data_root)) for split in SPLITS)
        return ", ".join(f"{len(images)} {split}" for split, images in sets.items())

    results = [result_of("every split opens", opens)]
    if not results[0].passed:
        return results
    points: dict[str, Callable[[], str]] = {
        "labels are 0 and 1": lambda: _labels(profile, sets),
        "images are squares of 8 bits": lambda: _images(profile, sets),
        "indexed like an array": lambda: _indexed(sets),
        "no image in two splits": lambda: _apart(sets),
        "the same images every time": lambda: _repeatable(profile, data_root, sets),
        "a limit takes the first images": lambda: _limited(profile, data_root, sets),
        "too few images are refused": lambda: _counted(profile, data_root, sets),
        "a missing folder is refused": lambda: _missing(profile),
    }
    results += [result_of(name, point) for name, point in points.items()]
    results.append(result_of("labels keep the rules", lambda: _rules(profile, sets), required=False))
    return results


def _some(images: ImageSet) -> np.ndarray:
    """Evenly chosen places of a set."""
    return np.unique(np.linspace(0, len(images) - 1, min(_READ, len(images))).astype(int))


def _labels(profile: Profile, sets: dict[str, ImageSet]) -> str:
    """uint8 of 0 and 1, a row an image; an id for each image; of domains one 1 a row."""
    for split, images in sets.items():
        labels = np.asarray(images.labels)
        if labels.dtype != np.uint8 or labels.shape != (len(images), len(profile.attributes)):
            raise BrokenError(f"the labels of {split} are {labels.dtype} of shape {labels.shape}")
        if not np.isin(labels, (0, 1)).all():
            raise BrokenError(f"the labels of {split} have other values than 0 and 1")
        if profile.space.exclusive and not (labels.sum(axis=1) == 1).all():
            raise BrokenError(f"an image of {split} is in no domain, or in several")
        if len(images.ids) != len(images) or len({*images.ids}) != len(images):
            raise BrokenError(f"the ids of {split} are not one an image, each another")
    return ", ".join(profile.attributes)


def _images(profile: Profile, sets: dict[str, ImageSet]) -> str:
    side = profile.data.image_size
    for split, images in sets.items():
        found = np.asarray(images.images[_some(images)])
        if found.dtype != np.uint8 or found.shape[1:] != (side, side, 3):
            raise BrokenError(f"images of {split} are {found.dtype} of shape {found.shape[1:]}")
    return f"{side} x {side} x 3"


def _indexed(sets: dict[str, ImageSet]) -> str:
    for split, images in sets.items():
        few = min(_FEW, len(images))
        one = [np.asarray(images.images[place]) for place in range(few)]
        for found in (images.images[:few], images.images[np.arange(few)], images.images[list(range(few))]):
            if not np.array_equal(np.asarray(found), one):
                raise BrokenError(f"numbers, slices and arrays give different images of {split}")
    return "numbers, slices and arrays"


def _apart(sets: dict[str, ImageSet]) -> str:
    """Neither an id nor a picture, of those that are read, is in two splits."""
    seen: dict[bytes | str, str] = {}
    for split, images in sets.items():
        pixels = np.asarray(images.images[_some(images)])
        names: list[bytes | str] = [*map(str, images.ids), *map(digest, pixels)]
        for one in names:
            if seen.setdefault(one, split) != split:
                said = one if isinstance(one, str) else "a picture"
                raise BrokenError(f"{said} is in {seen[one]} and in {split}")
    return f"{len(seen)} ids and pictures"


def _repeatable(profile: Profile, data_root: Path | None, sets: dict[str, ImageSet]) -> str:
    for split in SPLITS:
        again, first = open_split(profile, split, data_root), sets[split]
        same = again.digest == first.digest and list(again.ids) == list(first.ids)
        if not same or not np.array_equal(again.images[_some(first)], first.images[_some(first)]):
            raise BrokenError(f"{split} differs when it is opened again")
    if len({images.digest for images in sets.values()}) < len(sets):
        raise BrokenError("two splits have the same digest: it must be a hash of the content")
    return ", ".join(images.digest[:8] for images in sets.values())


def _limited(profile: Profile, data_root: Path | None, sets: dict[str, ImageSet]) -> str:
    for split in SPLITS:
        few = open_split(profile, split, data_root, limit=_FEW)
        if len(few) > _FEW or list(few.ids) != list(sets[split].ids)[: len(few)]:
            raise BrokenError(f"limit={_FEW} gives {len(few)} images of {split}, or not the first ones")
    return f"limit={_FEW}"


def _counted(profile: Profile, data_root: Path | None, sets: dict[str, ImageSet]) -> str:
    """A profile that asks for more images than there are gets a sentence; drawn ones never end."""
    if profile.data.name in DRAWN_HERE:
        return "drawn images never end"
    too_many = profile.data.model_copy(update={"test": len(sets["test"]) + 1_000_000_000})
    try:
        open_split(profile.model_copy(update={"data": too_many}), "test", data_root)
    except UserError as error:
        return str(error)
    raise BrokenError("it gives fewer images than the profile asks for, without a word")


def _missing(profile: Profile) -> str:
    if profile.data.name in DRAWN_HERE:
        return "drawn images need none"
    nowhere = Path("/nowhere/at/all")
    changed = profile.data.model_copy(update={} if profile.data.root is None else {"root": str(nowhere)})
    try:
        open_split(profile.model_copy(update={"data": changed}), "test", nowhere)
    except UserError as error:
        return str(error)
    raise BrokenError("it opens although its folder is not there: does it read `root`?")


def _rules(profile: Profile, sets: dict[str, ImageSet]) -> str:
    space = profile.space
    if not isinstance(space, Attributes):
        return "domains"
    broken = space.broken(np.concatenate([np.asarray(images.labels) for images in sets.values()]))
    if broken:
        raise BrokenError("; ".join(f"{rule}: {count} images break it" for rule, count in broken.items()))
    return "all labels do"
