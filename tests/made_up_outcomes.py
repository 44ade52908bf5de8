"""Outcomes of a cell whose numbers are invented by a seed."""

from __future__ import annotations

import numpy as np

from bridgebench.eval.records.outcomes import Outcomes


def made_up(
    count: int = 400, columns: int = 14, dimension: int = 64, measures: int = 16, key: str = "k" * 64
) -> Outcomes:
    """Outcomes of `count` edits by label, one of each source."""
    random = np.random.default_rng(0)

    def labels() -> np.ndarray:
        return random.integers(0, 2, (count, columns)).astype(np.uint8)

    def probabilities() -> np.ndarray:
        return random.beta(0.1, 0.1, (count, columns)).astype(np.float16)

    return Outcomes(
        key=key,
        source=np.arange(count, dtype=np.int32),
        reference=np.full(count, -1, np.int32),
        draw=np.zeros(count, np.int32),
        step=np.full(count, np.nan, np.float32),
        flipped=labels() == 1,
        source_labels=labels(),
        target_labels=labels(),
        seen=labels() == 1,
        seen_second=labels() == 1,
        before=probabilities(),
        after=probabilities(),
        after_second=probabilities(),
        features=random.normal(size=(count, dimension)).astype(np.float16),
        values={f"measure{i}": random.random(count).astype(np.float32) for i in range(measures)},
        groups={"skin": random.integers(0, 3, count).astype(np.uint8)},
    )
