"""Gives the cells of a made-up run outcomes: single edits whose means are the numbers of the cell's record."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from bridgebench.eval.measures import MEASURES
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord, Measured
from bridgebench.eval.records.outcomes import Outcomes

OWN = 0.4  # of the spread: what makes an image hard for one method alone; the rest makes it hard for all


def write_outcomes(folder: Path) -> Path:
    """Writes outcomes for every cell in the folder; returns the folder."""
    directory = RunDirectory(folder)
    attributes = directory.read_run().attributes
    for path in directory.cell_files():
        cell = CellRecord.read(path)
        outcomes(cell, attributes).write(directory.outcomes_file(cell.method, cell.mode, cell.attribute))
    return folder


def outcomes(cell: CellRecord, attributes: tuple[str, ...]) -> Outcomes:
    people, own = (
        np.random.default_rng(zlib.crc32(words.encode())) for words in (cell.attribute, f"{cell.method} {cell.mode}")
    )
    known = {card: cell.measures.get(card.key) for card in MEASURES if not card.distance}
    sizes = {one.n for one in known.values() if one is not None and one.low is not None}
    count = max((n for n in sizes if n is not None), default=cell.n)
    labels = people.integers(0, 2, (count, len(attributes))).astype(np.uint8)
    targets = labels.copy()
    if cell.attribute in attributes:
        targets[:, attributes.index(cell.attribute)] ^= 1
    hard = people.normal(size=count)
    chances = own.beta(0.1, 0.1, (3, *labels.shape)).astype(np.float16)
    return Outcomes(
        key=cell.key,
        source=np.arange(count, dtype=np.int32),
        reference=np.full(count, -1 if cell.mode == "label" else 0, np.int32),
        draw=np.zeros(count, np.int32),
        step=np.full(count, np.nan, np.float32),
        flipped=labels != targets,
        source_labels=labels,
        target_labels=targets,
        seen=chances[1] > 0.5,
        seen_second=chances[2] > 0.5,
        before=chances[0],
        after=chances[1],
        after_second=chances[2],
        features=np.zeros((count, 0), np.float16),
        values={
            card.key: values(one, card.shares, hard + OWN * own.normal(size=count))
            for card, one in known.items()
            if one is not None and one.value is not None and one.low is not None
        },
    )


def values(measure: Measured, shares: bool, hardness: np.ndarray) -> np.ndarray:
    """(N,) float32 with the mean and about the interval of a measure."""
    mean, count = measure.value or 0.0, len(hardness)
    if shares:
        return (hardness.argsort().argsort() < round(mean * count)).astype(np.float32)
    spread = ((measure.high or 0.0) - (measure.low or 0.0)) / 2 / 1.96 * np.sqrt(count)
    return (mean + spread * (hardness - hardness.mean()) / hardness.std()).astype(np.float32)
