"""Accuracy: the share of edits whose edited attribute a judge reads as its target value (the paper's Table 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hits(present: NDArray[np.bool_], target_labels: NDArray, column: int) -> NDArray[np.bool_]:
    """For each edit (N,), whether the judge sees (`present`, (N, A)) the target value (N, A) in `column`."""
    return present[:, column] == (target_labels[:, column] == 1)
