"""Data sets of plug-ins: packages that register a loader under the entry-point group ``bridgebench.datasets``.

The value of an entry point is a function that takes a :class:`DataRequest` and returns an
:class:`harness.data.base.ImageSet`; a profile names it as ``[data] name``. It runs in every process that opens the
images, and what it returns is checked there. `bridgebench contract --dataset PROFILE` checks more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.processes.stopping import Stopped
from bridgebench.harness.profiles.profile import DATA_GROUP, Profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.foreign import reason_of, shown
from bridgebench.methods.core.labels import LabelSpace


@dataclass(frozen=True)
class DataRequest:
    """What a loader is asked for.

    Attributes:
        split: "train", "validation" or "test"; no image may be in two of them.
        space: the label columns, in order: attributes, of which an image has any number, or domains, of which one.
        image_size: side of the square images in pixels.
        count: as many images of the split, the first ones; raise `UserError` if it has fewer. 0: all.
        limit: at most as many, however many `count` says; None: no limit.
        root: the folder that the profile or the command names; None: neither names one.
        skip_damaged: leave damaged images out; else raise `UserError` at the first one.
    """

    split: Split
    space: LabelSpace
    image_size: int
    count: int
    limit: int | None
    root: Path | None
    skip_damaged: bool


def load_plugin(profile: Profile, split: Split, data_root: Path | None, limit: int | None) -> ImageSet:
    """A split of the data set of a plug-in, as its loader gives it, without true edits.

    Raises:
        UserError: the loader cannot be imported, raises one, fails, or returns something else.
    """
    data, name = profile.data, profile.data.name
    root = data_root if data.root is None else Path(data.root)
    asked = DataRequest(
        split=split,
        space=profile.space,
        image_size=data.image_size,
        count=getattr(data, split),
        limit=limit,
        root=root,
        skip_damaged=data.skip_damaged,
    )
    entry = next(iter(entry_points(group=DATA_GROUP, name=name)), None)
    if entry is None:
        raise UserError(f"The data set '{name}' is not installed any more.")
    with _told(f"The data set '{name}' ({entry.value}) failed"):
        found = entry.load()(asked)
        problem = problem_of(found, asked)
    if problem:
        raise UserError(f"The data set '{name}' ({entry.value}) {problem}; `bridgebench contract --dataset` says more.")
    return ImageSet(
        images=_CheckedImages(found.images, name, data.image_size),
        labels=np.asarray(found.labels),
        ids=list(found.ids),
        attributes=profile.attributes,
        image_size=data.image_size,
        name=name,
        digest=found.digest,
        preparation=found.preparation,
    )


class _CheckedImages:
    """The images of a plug-in: what indexing them raises, or gives that are no images, is told."""

    def __init__(self, images: Any, name: str, side: int) -> None:
        self._images, self._name, self._side = images, name, side
        self._count = len(images)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        wanted = (*np.arange(self._count)[key].shape, self._side, self._side, 3)
        with _told(f"Images of the data set '{self._name}' cannot be read"):
            found = np.asarray(self._images[key])
        if found.dtype != np.uint8 or found.shape != wanted:
            raise UserError(
                f"The data set '{self._name}' gave images of the type {found.dtype} and the shape {found.shape}, where "
                f"uint8 and {wanted} are wanted; `bridgebench contract --dataset` says more."
            )
        return found


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Tells whatever somebody else's code raises, as one sentence; the user's own Ctrl-C goes on."""
    try:
        yield
    except (UserError, KeyboardInterrupt, Stopped):
        raise
    except BaseException as error:
        raise UserError(f"{what}: {shown(reason_of(error))}") from None


def problem_of(found: Any, asked: DataRequest) -> str:
    """What is wrong with what a loader returned, as the end of a sentence; "" if nothing is. No image is read."""
    if not isinstance(found, ImageSet):
        return f"returned {type(found).__name__}, not an ImageSet"
    labels, count, columns = np.asarray(found.labels), len(found.images), asked.space.columns
    if tuple(found.attributes) != columns:
        return "has other label columns than it was asked for"
    if labels.shape != (count, len(columns)) or labels.dtype != np.uint8 or not np.isin(labels, (0, 1)).all():
        return f"has labels that are not uint8 of 0 and 1, a row an image ({count}) and a column a name"
    if asked.space.exclusive and not (labels.sum(axis=1) == 1).all():
        return "has images of no domain, or of several"
    if len(found.ids) != count or len({*found.ids}) != count or not all(isinstance(one, str) for one in found.ids):
        return "has ids that are not one text an image, each another"
    if found.image_size != asked.image_size:
        return f"has images of {found.image_size} pixels, not of {asked.image_size}"
    most = min(asked.count or count, asked.limit or count)
    if not count or count > most or (asked.count and count < most):
        return f"has {count} images of the {asked.split} split, where {most or 'some'} are asked for"
    if not isinstance(found.digest, str) or not found.digest:
        return "has no digest"
    if found.preparation is not None and not isinstance(found.preparation, Mapping):
        return "has a preparation that is no table"
    return ""
