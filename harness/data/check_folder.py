"""What a folder of images contains, and what is wrong with it: `bridgebench data check` of a profile of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bridgebench.harness.data.check import Examined, Report, examine_all, find_in_photos
from bridgebench.harness.data.folder import SPLITS, Listing, list_folder
from bridgebench.harness.data.photo_sources import PhotoFolder
from bridgebench.harness.profiles.profile import Profile
from bridgebench.methods.core.labels import Attributes

_RARE = 0.05  # below this share of the images an attribute is rare


def check_folder(profile: Profile, data_root: Path | None, most: int | None = None) -> tuple[Report, list[Examined]]:
    """Opens every image of a profile's folder, and counts.

    Args:
        profile: a profile of a folder of images.
        data_root: the folder, if the profile names none.
        most: at most so many images are opened, evenly from all; None: every image.

    Returns:
        The report, and what was found of each image that was opened.

    Raises:
        UserError: the folder or its table is missing or damaged.
    """
    found = list_folder(profile, data_root)
    report, source = Report(f"The images in {found.root}, divided {found.rule}"), PhotoFolder(found.root)
    _count(report, profile, found)
    step = 1 if most is None else -(-len(found.files) // most)
    examined = examine_all(source, found.files[::step], None)
    if step > 1:
        report.count("opened", len(examined))
    find_in_photos(report, source, examined, "where they come from")
    split_of = dict(zip(found.files, found.splits.tolist(), strict=True))
    report.find(
        "The same picture in two splits", _twice(examined, split_of), "A method is flattered by it.", error=False
    )
    report.find("Images that the table does not name", _unnamed(source, found), "They are not used.", error=False)
    _find_in_labels(report, profile, found)
    return report, examined


def _count(report: Report, profile: Profile, found: Listing) -> None:
    report.count("images", len(found.files))
    for place, split in enumerate(SPLITS):
        report.count(split, int((found.splits == place).sum()))
    word = "" if profile.space.exclusive else "with "
    for name, column in zip(profile.attributes, found.labels.T, strict=True):
        report.count(f"{word}{name}", int(column.sum()))


def _twice(examined: Sequence[Examined], split_of: dict[str, int]) -> list[str]:
    """The pictures whose very files are in several splits."""
    first: dict[str, str] = {}
    found = []
    for photo in examined:
        other = first.setdefault(photo.sha256 or photo.name, photo.name)
        if split_of[other] != split_of[photo.name]:
            found.append(f"{other} ({SPLITS[split_of[other]]}) = {photo.name} ({SPLITS[split_of[photo.name]]})")
    return found


def _unnamed(source: PhotoFolder, found: Listing) -> list[str]:
    """Pictures that lie beside named ones, and are not named."""
    named = set(found.files)
    folders = sorted({name.rpartition("/")[0] for name in found.files})
    return [name for folder in folders for name in sorted(source.photos(folder)) if name not in named]


def _find_in_labels(report: Report, profile: Profile, found: Listing) -> None:
    for place, split in enumerate(SPLITS):
        labels = found.labels[found.splits == place]
        shares = labels.mean(axis=0) if len(labels) else np.zeros(len(profile.attributes))
        one_sided = [name for name, share in zip(profile.attributes, shares, strict=True) if share in (0, 1)]
        report.find(
            f"All or none of the {split} images have it",
            one_sided,
            "What is trained on one value alone, or measured on it, says nothing.",
            error=False,
        )
    shares = found.labels.mean(axis=0)
    rare = [f"{name}: {share:.1%}" for name, share in zip(profile.attributes, shares, strict=True) if 0 < share < _RARE]
    report.find("Rare", rare, "Judges read rare labels poorly, and their numbers waver.", error=False)
    space = profile.space
    if isinstance(space, Attributes):
        broken = [f"{rule}: {count:,} images break it" for rule, count in space.broken(found.labels).items()]
        report.find("Labels that break a rule of the profile", broken, "Correct the labels, or the rule.", error=False)
