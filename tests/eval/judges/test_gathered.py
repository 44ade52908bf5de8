"""What is kept of many images comes batch by batch, and neither it nor its gaps fill the memory."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.gathered import Gathered
from bridgebench.eval.judges.reading import read


def test_rows_stand_in_the_order_in_which_they_came():
    rows = np.random.default_rng(0).random((10, 3), np.float32)
    found = Gathered(10)
    for start in (0, 4, 8):
        found.add(rows[start : start + 4])
        assert np.array_equal(found.rows, rows[: start + 4]) and found.taken == min(start + 4, 10)
    assert found.rows.dtype == rows.dtype


def test_rows_beyond_the_total_are_counted_alone():
    found = Gathered(3)
    found.add(np.arange(5.0))
    assert found.taken == 5 and found.rows.tolist() == [0, 1, 2]


class Photos:
    """Black photos, made as they are asked for."""

    def __len__(self) -> int:
        return 1280

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.zeros((len(range(len(self))[index]), 128, 128, 3), np.uint8)


def resident() -> float:
    """MiB of this process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is what Linux tells")
def test_reading_many_photos_leaves_nothing_but_the_readings(monkeypatch):
    """40 batches of 6 MiB, none of which may stay; the readings themselves take 1 MiB."""
    judge = AttributeClassifier(["Smiling"], width=4)
    monkeypatch.setattr(judge, "read", lambda batch: (torch.zeros(len(batch), 1), torch.zeros(len(batch), 128)))
    before = resident()
    reading = read(judge, Photos())
    assert reading.features.shape == (1280, 128) and resident() - before < 100
