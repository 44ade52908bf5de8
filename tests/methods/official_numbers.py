"""The numbers that the official codes gave on deterministic weights, as they lie in tests/reference/<method>."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

_REFERENCE = Path(__file__).parents[1] / "reference"
WEIGHTS = SimpleNamespace(**runpy.run_path(str(_REFERENCE / "weights.py")))  # draws weights, images, noise from a salt
heavy = pytest.mark.skipif(not os.environ.get("BRIDGEBENCH_HEAVY"), reason="slow: set BRIDGEBENCH_HEAVY=1 to run it")


def manifest(method: str) -> dict:
    """Of each official network: the names and shapes of its tensors."""
    return json.loads((_REFERENCE / method / "manifest.json").read_text())


def facts(method: str) -> dict:
    """What the expected numbers were made from: salt, sizes, labels, counts of parameters."""
    return json.loads((_REFERENCE / method / "reference.json").read_text())


def expected(method: str) -> np.lib.npyio.NpzFile:
    """The numbers themselves, by name."""
    return np.load(_REFERENCE / method / "expected.npz")
