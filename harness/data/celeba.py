"""CelebA (Liu et al., ICCV 2015) as torchvision keeps it on disk: read where it lies, nothing is ever downloaded.

    ROOT/celeba/ or ROOT/
        img_align_celeba/000001.jpg ...    the aligned photos, 178 x 218
        list_attr_celeba.txt               count, 40 names, then one row a photo with -1 or 1 a name
        list_eval_partition.txt            photo and split (0 train, 1 validation, 2 test)

Photos are decoded when they are asked for, so opening a split costs only its lists.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.data.base import ImageSet
from harness.data.photos import read_photo
from harness.data.resize import CELEBA_BRIDGEGAN, Preparation
from methods.errors import UserError, did_you_mean

Split = Literal["train", "validation", "test"]
SplitRule = Literal["partition", "official-code"]

PUBLISHED = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
_IMAGES, _LABELS, _PARTITION = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
_PARTITION_CODES = {"train": 0, "validation": 1, "test": 2}
# BridgeGAN's data code splits by file order: its training set takes in most of the validation photos.
_OFFICIAL_CODE = {"train": slice(0, 182_000), "validation": slice(182_000, 182_637), "test": slice(182_637, None)}


class Photos:
    """Photo files as a uint8 array (N, size, size, 3) that is decoded where it is indexed, by several threads.

    Index it with an integer, a slice, or an array of integers or booleans, as a numpy array's first axis. A damaged or
    missing file raises a UserError that names it.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, paths: Sequence[Path], preparation: Preparation) -> None:
        self.paths = list(paths)
        self.preparation = preparation

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, size, size, 3)."""
        return (len(self.paths), self.preparation.size, self.preparation.size, 3)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        positions = np.arange(len(self))[index]
        if positions.ndim == 0:
            return self._decode(int(positions))
        out = np.empty((len(positions), *self.shape[1:]), np.uint8)
        with ThreadPoolExecutor(min(len(positions), os.cpu_count() or 1) or 1) as pool:
            for row, image in enumerate(pool.map(self._decode, positions.tolist())):
                out[row] = image
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _decode(self, position: int) -> NDArray[np.uint8]:
        path, crop = self.paths[position], self.preparation.crop
        photo = read_photo(path)
        height, width = photo.shape[:2]
        if not crop.fits(height, width):
            raise UserError(f"{path} has {width}x{height} pixels; CelebA's aligned photos have 178x218.")
        return self.preparation.apply(photo)


def load_celeba(
    data_root: Path | None,
    split: Split,
    attributes: Sequence[str],
    image_size: int,
    *,
    count: int = 0,
    limit: int | None = None,
    rule: SplitRule = "partition",
    preparation: Preparation | None = None,
) -> ImageSet:
    """A split of CelebA.

    Args:
        data_root: the folder described at the head of this file.
        split: "train", "validation" or "test".
        attributes: the label columns wanted, in order.
        image_size: side of the images in pixels.
        count: take the first so many photos of the split, which must hold them; 0: all.
        limit: take no more than so many.
        rule: "partition" reads CelebA's own list; "official-code" is BridgeGAN's split by file order (182,000 / 637 /
            19,962).
        preparation: crop and resize filter; BridgeGAN's where not given.

    Raises:
        UserError: the data set is not there, its lists are damaged, it lacks an attribute or photos, or the split
            holds fewer than `count`.
    """
    folder = _locate(data_root)
    ids, names, values = _read_labels(folder / _LABELS)
    rows = _rows_of(split, rule, ids, folder)
    if len(rows) < max(count, 1):
        wanted = f"{count} are asked for" if count else "it needs some"
        raise UserError(f"The {split} split of CelebA in {folder} holds {len(rows)} photos; {wanted}.")
    rows = rows[: count or None][:limit]
    columns = [_column(name, names, folder / _LABELS) for name in attributes]
    chosen = [ids[row] for row in rows]
    preparation = preparation or Preparation(CELEBA_BRIDGEGAN, "legacy_bicubic", image_size)
    return ImageSet(
        images=Photos([folder / _IMAGES / name for name in chosen], preparation),
        labels=(values[rows][:, columns] == 1).astype(np.uint8),
        ids=chosen,
        attributes=tuple(attributes),
        image_size=image_size,
        name="celeba",
        digest=_digest(folder, chosen, split, rule, preparation),
    )


def _locate(data_root: Path | None) -> Path:
    expected = f"{_IMAGES}/, {_LABELS} and {_PARTITION}, in it or in its folder celeba/"
    published = f"the data set is published at {PUBLISHED} and is not downloaded for you"
    if data_root is None:
        raise UserError(f"CelebA is needed: give --data-root FOLDER, which holds {expected}; {published}.")
    for folder in (data_root / "celeba", data_root):
        if (folder / _IMAGES).is_dir() and (folder / _LABELS).is_file():
            return folder
    raise UserError(f"CelebA is not in {data_root}, which should hold {expected}; {published}.")


def _read_labels(path: Path) -> tuple[list[str], list[str], NDArray[np.int8]]:
    """File names (N), attribute names (A) and values (N, A) in {-1, 1}."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        count, names = int(lines[0]), lines[1].split()
        rows = [line.split(maxsplit=1) for line in lines[2:] if line.strip()]
        values = np.loadtxt([row[1] for row in rows], np.int8, ndmin=2)
        if values.shape != (count, len(names)) or not np.isin(values, (-1, 1)).all():
            raise ValueError(f"{len(rows)} rows of {count}")
    except (ValueError, IndexError, OverflowError) as error:
        raise UserError(
            f"{path} is damaged (it should hold a count, a line of names, and as many rows of a file name and -1 or 1 "
            f"for each name); fetch it again from {PUBLISHED}."
        ) from error
    return [row[0] for row in rows], names, values


def _rows_of(split: Split, rule: SplitRule, ids: list[str], folder: Path) -> NDArray[np.int64]:
    everything = np.arange(len(ids))
    if rule == "official-code":
        return everything[_OFFICIAL_CODE[split]]
    path = folder / _PARTITION
    if not path.is_file():
        raise UserError(f"{path} is missing; it says which photos are for testing and comes with CelebA ({PUBLISHED}).")
    pairs = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    codes = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    missing = next((name for name in ids if codes.get(name) not in ("0", "1", "2")), None)
    if missing is not None:
        raise UserError(f"{path} gives no split (0, 1 or 2) for {missing}; fetch it again from {PUBLISHED}.")
    return everything[np.array([int(codes[name]) for name in ids]) == _PARTITION_CODES[split]]


def _column(attribute: str, names: Sequence[str], path: Path) -> int:
    if attribute not in names:
        raise UserError(f"{path} has no attribute '{attribute}'.{did_you_mean(attribute, names)}")
    return list(names).index(attribute)


def _digest(folder: Path, ids: Sequence[str], split: Split, rule: SplitRule, preparation: Preparation) -> str:
    """Names the data without reading every photo: the lists' content, the photos' names and sizes, crop and filter."""
    try:
        sizes = [(folder / _IMAGES / name).stat().st_size for name in ids]
    except FileNotFoundError as error:
        raise UserError(f"The photo {error.filename} is missing; {_LABELS} beside it lists it.") from error
    lists = [folder / _LABELS] + ([folder / _PARTITION] if rule == "partition" else [])
    facts = {
        "lists": [hashlib.sha256(path.read_bytes()).hexdigest() for path in lists],
        "split": [split, rule],
        "photos": list(zip(ids, sizes, strict=True)),
        "preparation": preparation.describe(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
