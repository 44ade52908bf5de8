"""Prepares photos for a network once: all cores decode, crop and resize them into the image cache."""

from __future__ import annotations

import hashlib
import io
import logging
import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.cache import ImageCache, Speed
from bridgebench.harness.data.photo_sources import PhotoSource, State
from bridgebench.harness.data.photos import decode_photo
from bridgebench.harness.data.resize import Preparation
from bridgebench.harness.processes.cores import cores
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import real_path

_log = logging.getLogger(__name__)
_FORMAT = 1  # increased by one whenever the same photo and preparation would give other pixels
_ABSENT: State = (-1, -1)
_MOST_MAPPED = 64 * 2**20  # bytes read from a map before its pages are released


@dataclass(frozen=True)
class Prepared:
    """Prepared photos.

    images: (n, size, size, 3) uint8, read from the cache's file when indexed.
    rows: (n) positions of these photos among the requested ones.
    digest: hex hash of the pixels.
    preparation: storable as JSON, for the protocol: crop, filter, size, and the number and hash of photos left out.
    """

    images: Any
    rows: NDArray[np.int64]
    digest: str
    preparation: dict[str, Any]


class Chosen:
    """Some rows of an array of images, indexed like the first axis of a numpy array; rows are copied when indexed.

    Pages of a memory map that were read count as this process's memory until they are released, so they are released
    regularly. The system keeps them in memory while there is room, so mapping them again is fast.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, images: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self._images, self._rows = images, rows
        self._read = 0  # bytes read since the pages were last released

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, H, W, 3)."""
        return (len(self._rows), *self._images.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        found = np.asarray(self._images[self._rows[index]])
        self._read += found.nbytes
        if self._read > _MOST_MAPPED:
            self._read = 0
            base = self._images.base
            if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                base.madvise(mmap.MADV_DONTNEED)
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(dtype or self.dtype, copy=False)


def prepared_photos(
    source: PhotoSource,
    names: Sequence[str],
    states: Mapping[str, State],
    preparation: Preparation,
    *,
    name: str,
    wanted: int = 0,
    skip_damaged: bool = False,
    dropped: Iterable[str] = (),
    cache_dir: Path | None = None,
) -> Prepared:
    """Prepared photos, from the cache or, if they are not cached, from their files.

    Args:
        source: where the photos are.
        names: names of the photos (at least one), in order; a photo whose name `states` lacks is missing.
        states: states of the existing photos; a photo whose state has changed is decoded again.
        preparation: crop, resize filter and size.
        name: name of the data set.
        wanted: number of photos needed, the first undamaged ones of `names`; 0: all.
        skip_damaged: leave out damaged and missing photos instead of raising.
        dropped: photos left out of `names` because something else about them is damaged; only recorded.
        cache_dir: see :func:`harness.processes.user_cache.default_cache_dir`.

    Raises:
        UserError: a photo is damaged or missing (with `skip_damaged`: no photo remains), or the cache cannot be
            written.
    """
    key = {"format": _FORMAT, "place": str(real_path(source.place)), "photos": list(names), **preparation.describe()}
    cache = ImageCache(
        key,
        partial(prepare_photo, source, preparation),
        names,
        size=preparation.size,
        name=name,
        states=[states.get(photo, _ABSENT) for photo in names],
        cache_dir=cache_dir,
    )
    rows = min(wanted or len(names), len(names))
    good = _make(cache, rows, skip_damaged)
    while skip_damaged and len(good) < (wanted or 1) and rows < len(names):
        rows = min(len(names), rows + max(1, wanted - len(good)))
        good = _make(cache, rows, skip_damaged)
    damaged = {names[row]: reason for row, reason in cache.damaged.items() if row < rows}
    if len(good) == 0:
        raise UserError(
            f"Every one of the {rows} photos is damaged or missing; the first: {next(iter(damaged.values()))}"
        )
    if cache.speed.made:
        _log.info(describe_speed(cache.speed, preparation.size))
    images = cache.images()
    return Prepared(
        images=Chosen(images, good),
        rows=good,
        digest=cache.digest(rows),
        preparation={**preparation.describe(), **left_out([*dropped, *damaged])},
    )


def left_out(names: Iterable[str]) -> dict[str, Any]:
    """The protocol's record of photos that were left out: empty if there are none, else their number and hash."""
    names = sorted(names)
    if not names:
        return {}
    return {"left_out": {"n": len(names), "sha256": hashlib.sha256("\n".join(names).encode()).hexdigest()}}


def prepare_photo(source: PhotoSource, preparation: Preparation, name: str) -> NDArray[np.uint8]:
    """One photo, decoded, cropped and resized: (size, size, 3) uint8.

    Raises:
        UserError: the photo is missing, damaged, or not of the size that the crop is meant for.
    """
    photo = decode_photo(io.BytesIO(source.read(name)), source.where(name))
    height, width = photo.shape[:2]
    if preparation.photo not in (None, (height, width)):
        expected = "{1}x{0}".format(*preparation.photo)
        raise UserError(f"{source.where(name)} has {width}x{height} pixels, where {expected} are expected.")
    if preparation.crop is not None and not preparation.crop.fits(height, width):
        square = preparation.crop
        raise UserError(
            f"{source.where(name)} has {width}x{height} pixels: the crop of {square.size} pixels at {square.left}, "
            f"{square.top} does not lie within it."
        )
    return preparation.apply(photo)


def describe_speed(speed: Speed, size: int) -> str:
    """A line for the user: how fast photos were decoded and read."""
    read = f"reading {speed.read / max(speed.reading, 1e-9):,.0f} images/s"
    made = f"decoding {speed.made / max(speed.making, 1e-9):,.0f} images/s on {cores()} cores"
    return f"{speed.made:,} photos prepared at {size} px: {made}, {read}"


def _make(cache: ImageCache, rows: int, skip_damaged: bool) -> NDArray[np.int64]:
    """Makes the first rows; returns the undamaged ones."""
    for block in cache.make(rows, f"Preparing {rows} photos"):
        reason = next((reason for row, reason in block.damaged.items() if row < rows), None)
        if reason is not None and not skip_damaged:
            raise UserError(
                f"{reason.rstrip('.')}; fetch the file again, or go on without it by --skip-damaged (`bridgebench data "
                "check` names all that is damaged)."
            )
    bad = cache.damaged
    return np.array([row for row in range(rows) if row not in bad], dtype=np.int64)
