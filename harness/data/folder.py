"""A folder of images as a data set: a table of attributes, or one folder a domain. It is read in place.

With attributes (the form of Hugging Face's imagefolder):

    ROOT/metadata.csv            or metadata.jsonl: the column file_name, and a column for each attribute
    ROOT/...                     the images, .png or .jpg, in folders or not
  or
    ROOT/train/metadata.csv, ROOT/validation/metadata.csv, ROOT/test/metadata.csv    and the images of each split there

With domains:

    ROOT/DOMAIN/*.jpg
  or
    ROOT/train/DOMAIN/*.jpg, ROOT/validation/DOMAIN/*.jpg, ROOT/test/DOMAIN/*.jpg

The folders of the splits may also be called val, valid or dev. Images that are in no such folder are divided by a
column with their split, or by a hash: of a column with their group, so that nobody is in two splits, or of their names.
An image that is added moves no other one to another split. Every image is cut to a square and resized by Pillow's
bilinear filter with antialias; in a split they stand in an order that a hash of their names decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.metadata import FILES, Metadata, find_metadata, read_metadata
from bridgebench.harness.data.photo_cache import prepared_photos
from bridgebench.harness.data.photo_sources import PhotoFolder, State
from bridgebench.harness.data.resize import Crop, Preparation
from bridgebench.harness.profiles.profile import FOLDER, Profile, SharesTable
from bridgebench.methods.core.errors import UserError, did_you_mean

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
# What a split's folder, or its value in a column, may be called.
SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Listing:
    """All images of a folder.

    Attributes:
        root: the folder.
        files: (N) paths of the images from there, with slashes.
        labels: (N, A) uint8, 0 or 1.
        splits: (N) the place of each image's split in `SPLITS`.
        rule: how the splits were found, in words.
    """

    root: Path
    files: list[str]
    labels: NDArray[np.uint8]
    splits: NDArray[np.int8]
    rule: str

    def rows(self, split: Split) -> NDArray[np.intp]:
        """The images of a split, in its order."""
        rows = np.flatnonzero(self.splits == SPLITS.index(split))
        keys = [_hash(self.files[row]) for row in rows.tolist()]
        return rows[np.argsort(np.array(keys, np.uint64), kind="stable")]


def load_folder(
    profile: Profile, split: Split, data_root: Path | None, limit: int | None = None, *, cache_dir: Path | None = None
) -> ImageSet:
    """A split of the folder that a profile names.

    Args:
        profile: its ``[data]`` says where the folder is, what the labels are, and how the images are divided and cut.
        split: "train", "validation" or "test".
        data_root: the folder, if the profile names none.
        limit: take at most this many images, the first ones.
        cache_dir: where prepared images are kept; see :func:`harness.processes.user_cache.default_cache_dir`.

    Raises:
        UserError: the folder or its table is missing or damaged, an image is missing or damaged, or the split has
            fewer images than the profile asks for.
    """
    data = profile.data
    found = list_folder(profile, data_root)
    rows = found.rows(split)
    count: int = getattr(data, split)
    if len(rows) < max(count, 1):
        wanted = f"the profile asks for {count}" if count else "it needs some"
        raise UserError(f"The {split} split of {found.root} holds {len(rows)} images ({found.rule}); {wanted}.")
    files = [found.files[row] for row in rows]
    source = PhotoFolder(found.root)
    prepared = prepared_photos(
        source,
        files,
        _states(source, files),
        preparation_of(profile),
        name=FOLDER,
        wanted=min(count or len(rows), limit or len(rows)),
        skip_damaged=data.skip_damaged,
        cache_dir=cache_dir,
    )
    labels, ids = found.labels[rows[prepared.rows]], [files[row] for row in prepared.rows]
    preparation = {**prepared.preparation, "split": found.rule}
    facts = [prepared.digest, preparation, ids, list(profile.attributes), hashlib.sha256(labels.tobytes()).hexdigest()]
    return ImageSet(
        images=prepared.images,
        labels=labels,
        ids=ids,
        attributes=profile.attributes,
        image_size=data.image_size,
        name=FOLDER,
        digest=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        preparation=preparation,
    )


def preparation_of(profile: Profile) -> Preparation:
    """How a profile's photos become squares of its size."""
    data = profile.data
    crop = None if data.crop is None else Crop(**data.crop.model_dump())
    return Preparation(crop, "antialiased", data.image_size, centred=crop is None)


def list_folder(profile: Profile, data_root: Path | None) -> Listing:
    """All images of the folder that a profile names, with labels and splits; no image is opened.

    Raises:
        UserError: the folder is missing or has no table, the table is damaged, or a group is in two splits.
    """
    data, root = profile.data, folder_of(profile, data_root)
    if data.labels == "domains":
        return _of_domains(root, profile.attributes, data.shares)
    wanted = [*profile.attributes, *(name for name in (data.split_column, data.group_column) if name)]
    parts = tables_of(root)
    tables = [(part, read_metadata(path, wanted)) for part, path in parts]
    files = [f"{part}/{name}" if part else name for part, table in tables for name in table.files]
    labels = np.concatenate([table.labels(profile.attributes) for _, table in tables])
    groups = None
    if data.group_column:
        groups = [group for _, table in tables for group in table.texts(data.group_column)]
    if data.split_column:
        splits = np.concatenate([splits_in(table, data.split_column) for _, table in tables])
        rule = f"by the column '{data.split_column}'"
    elif parts[0][0]:
        splits, rule = _by_folder(part for part, table in tables for _ in table.files)
    else:
        splits, rule = by_hash(groups or files, data.shares or SharesTable())
        rule = f"by a hash of {f'the column {data.group_column!r}' if groups else 'the file name'}, {rule}"
    if groups is not None:
        _check_groups(root, str(data.group_column), groups, splits)
    return Listing(root, files, labels, splits, rule)


def folder_of(profile: Profile, data_root: Path | None) -> Path:
    """The folder of a profile's images: the profile's own, or else the one that was named with the command.

    Raises:
        UserError: there is none.
    """
    root = data_root if profile.data.root is None else Path(profile.data.root)
    if root is None:
        raise UserError(f"The profile '{profile.name}' names no folder of images: set root under [data].")
    if not root.is_dir():
        raise UserError(
            f"There is no folder {root.absolute()}, in which the images of the profile '{profile.name}' should lie."
        )
    return root


def tables_of(root: Path) -> list[tuple[str, Path]]:
    """The tables of a folder: its own, with "", or one for each folder of a split, with that folder's name.

    Raises:
        UserError: there is none.
    """
    found = find_metadata(root)
    if found is not None:
        return [("", found)]
    parts = [(part, table) for part in split_folders(root) if (table := find_metadata(root / part)) is not None]
    if not parts:
        raise UserError(
            f"{root} has no {' or '.join(FILES)}: a table with the column file_name and a column for each attribute. "
            'Where every domain has a folder of its own instead, set labels = "domains" under [data].'
        )
    return parts


def split_folders(root: Path) -> list[str]:
    """The names of the folders in a folder that are called like splits, sorted."""
    return sorted(path.name for path in root.iterdir() if path.name.lower() in SPLIT_NAMES and path.is_dir())


def domain_folders(root: Path) -> dict[str, list[str]]:
    """The folders of each domain, by its name: one, or one in each folder of a split. Hidden ones do not count."""
    parts = split_folders(root)
    found: dict[str, list[str]] = {}
    for part in parts or [""]:
        for path in sorted((root / part).iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                found.setdefault(path.name, []).append(f"{part}/{path.name}" if part else path.name)
    return dict(sorted(found.items()))


def splits_in(table: Metadata, column: str) -> NDArray[np.int8]:
    """The place in `SPLITS` of each image's split, by a column that names it.

    Raises:
        UserError: a value names no split.
    """
    values = table.texts(column)
    known = {value: SPLIT_NAMES.get(value.lower()) for value in set(values)}
    for place, value in enumerate(values):
        if known[value] is None:
            hint = did_you_mean(value, SPLIT_NAMES)
            raise UserError(
                f"{table.path} line {table.lines[place]} has '{value[:40]}' in the column '{column}', where train, "
                f"validation or test should stand.{hint}"
            )
    places = {value: SPLITS.index(name) for value, name in known.items() if name is not None}
    return np.fromiter(map(places.__getitem__, values), np.int8, len(values))


def by_hash(names: Sequence[str], shares: SharesTable) -> tuple[NDArray[np.int8], str]:
    """The place in `SPLITS` of each name's split, by its hash, and the shares in words: equal names, equal splits."""
    ends = np.cumsum([shares.train, shares.validation]) * 2.0**64
    hashes = {name: _hash(name) for name in set(names)}
    values = np.fromiter(map(hashes.__getitem__, names), np.uint64, len(names)).astype(np.float64)
    words = " / ".join(f"{100 * getattr(shares, split):g}" for split in SPLITS)
    return np.searchsorted(ends, values, side="right").astype(np.int8), f"{words} %"


def _by_folder(parts: Iterable[str]) -> tuple[NDArray[np.int8], str]:
    return np.array([SPLITS.index(SPLIT_NAMES[part.lower()]) for part in parts], np.int8), "by folder"


def _of_domains(root: Path, domains: Sequence[str], shares: SharesTable | None) -> Listing:
    folders, source = domain_folders(root), PhotoFolder(root)
    files: list[str] = []
    columns: list[int] = []
    for column, domain in enumerate(domains):
        if domain not in folders:
            known = ", ".join(list(folders)[:20]) or "none"
            hint = did_you_mean(domain, folders)
            raise UserError(f"{root} has no folder of the domain '{domain}'; its folders: {known}.{hint}")
        found = [name for folder in folders[domain] for name in sorted(source.photos(folder))]
        if not found:
            raise UserError(f"No image (.png or .jpg) lies in {root / folders[domain][0]}, of the domain '{domain}'.")
        files += found
        columns += [column] * len(found)
    if split_folders(root):
        splits, rule = _by_folder(name.split("/")[0] for name in files)
    else:
        splits, rule = by_hash(files, shares or SharesTable())
        rule = f"by a hash of the file name, {rule}"
    return Listing(root, files, np.eye(len(domains), dtype=np.uint8)[columns], splits, rule)


def _check_groups(root: Path, column: str, groups: Sequence[str], splits: NDArray[np.int8]) -> None:
    """Raises UserError if the images of a group are in several splits."""
    first: dict[str, int] = {}
    for group, split in zip(groups, splits.tolist(), strict=True):
        if first.setdefault(group, split) != split:
            raise UserError(
                f"The images of '{group[:40]}' (column '{column}' of {root}) are in the splits {SPLITS[first[group]]} "
                f"and {SPLITS[split]}: put them into one, or leave group_column out."
            )


def _states(source: PhotoFolder, files: Sequence[str]) -> Mapping[str, State]:
    """The states of the images that are there, by name."""
    found: dict[str, State] = {}
    for folder in sorted({name.rpartition("/")[0] for name in files}):
        found |= source.photos(folder)
    return found


def _hash(name: str) -> int:
    """A number in [0, 2^64) made of a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
