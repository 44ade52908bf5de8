"""Photos read from the cache do not fill the memory of the process that reads them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import bridgebench.harness.data.photo_cache
from bridgebench.harness.data.photo_cache import Chosen

COUNT, SIDE = 400, 128


def resident(path: Path) -> int:
    """KiB of a mapped file that count as memory of this process."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith(str(path)))
    return next(int(line.split()[1]) for line in lines[at:] if line.startswith("Rss:"))


@pytest.mark.skipif(sys.platform != "linux", reason="memory by file is what Linux tells")
def test_pages_that_were_read_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "images.npy"
    images = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    np.save(path, images)
    rows = np.arange(COUNT)[::-1]
    photos = Chosen(np.load(path, mmap_mode="r"), rows)
    one = photos[7]
    for start in range(0, COUNT, 16):
        photos[start : start + 16]
    assert resident(path) > images.nbytes / 1024 * 0.9
    monkeypatch.setattr(bridgebench.harness.data.photo_cache, "_MOST_MAPPED", 2**20)
    for start in range(0, COUNT, 16):
        assert np.array_equal(photos[start : start + 16], images[rows[start : start + 16]])
    assert resident(path) < images.nbytes / 1024 * 0.2
    assert np.array_equal(one, images[rows[7]])  # what was handed out is there as it was
