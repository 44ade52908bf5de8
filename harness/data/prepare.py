"""`bridgebench data prepare`: does all slow preparation of a profile's data before the data is needed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.open import open_split
from bridgebench.harness.processes.terminal import text_table
from bridgebench.harness.profiles.profile import Profile

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_BATCH = 64


def prepare(profile: Profile, data_root: Path | None = None) -> str:
    """Draws or decodes all three splits of a profile into the cache, then reads them; a table of the speed of both.

    If it was killed, the next call continues where it stopped.

    Raises:
        UserError: the data set is missing or damaged; see :func:`harness.data.open.open_split`.
    """
    rows = []
    for split in _SPLITS:
        started = time.perf_counter()
        images = open_split(profile, split, data_root)
        opened = time.perf_counter() - started
        rows.append(
            (
                split,
                f"{len(images):,}",
                str(((images.preparation or {}).get("left_out") or {"n": 0})["n"]),
                f"{images.image_size} px",
                f"{len(images) * images.image_size**2 * 3 / 2**20:,.0f}",
                f"{opened:.1f} s",
                f"{_read(images):,.0f}",
            )
        )
    return text_table(("split", "images", "left out", "size", "MiB", "to open", "images/s read"), rows)


def _read(images: ImageSet) -> float:
    """Images read per second, batch by batch, as in training."""
    started, checksum = time.perf_counter(), 0
    for start in range(0, len(images), _BATCH):
        batch: Any = images.images[start : start + _BATCH]
        checksum += int(batch.sum(dtype="int64"))
    return len(images) / (time.perf_counter() - started)
