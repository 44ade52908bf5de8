"""Precision, recall, density and coverage of a cell's edits among the real images of its Fréchet distance.

What the four are and where they come from is in ``eval/distances/neighbours.py``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from bridgebench.eval.distances.neighbours import NEAREST, Neighbours, neighbours
from bridgebench.eval.measures.card import EDITING, Edits, Family, MeasureCard, Record
from bridgebench.eval.measures.fd import by_value, short_side


def prdc(edits: Edits) -> dict[str, Record]:
    """All four, each the mean over the values of the column, weighted by the number of edits to the value.

    Returns:
        For each ``{"value", "n", "n_real"}``, or ``{"value": None, "reason"}``.
    """
    (reals, rows), column = edits.real_side, edits.common_column
    features, parts = edits.features[rows], by_value(column, edits.target[rows])
    least = max(edits.minimum_n, NEAREST + 1)
    reason = short_side(reals, column, {value: len(found) for value, found in parts.items()}, "edits", least)
    if reason:
        return {part: {"value": None, "reason": reason} for part in Neighbours._fields}
    shares = np.array([len(found) for found in parts.values()]) / len(features)
    values = shares @ np.array([neighbours(reals.having(column, value), features[at]) for value, at in parts.items()])
    counts = {"n": len(features), "n_real": sum(reals.count(column, value) for value in parts)}
    return {part: {"value": float(value), **counts} for part, value in zip(Neighbours._fields, values, strict=True)}


def _part(part: str, edits: Edits) -> Record:
    """One of the four; they are computed together."""
    if "prdc" not in edits.shared:
        edits.shared["prdc"] = prdc(edits)
    return edits.shared["prdc"][part]


PRECISION = MeasureCard(
    key="precision",
    family=Family("prdc", 2),  # 2: also of several flips and of added attributes
    title="Precision",
    about="Share of edits that lie among the real images of other people with the labels that the edits aim at.",
    about_conversions="Share of edits that lie among the real images of the target domain.",
    of_cell=partial(_part, "precision"),
    needs=("features",),
    kinds=EDITING,
    better="higher",
    digits=3,
    span=(0.0, 1.0),
    shown=("distance",),
)
RECALL = replace(
    PRECISION,
    key="recall",
    title="Recall",
    about="Share of these real images that lie among the edits.",
    about_conversions="",
    of_cell=partial(_part, "recall"),
)
DENSITY = replace(
    PRECISION,
    key="density",
    title="Density",
    about="Near to how many real images an edit lies, about 1 for real ones; less led by outliers than precision.",
    about_conversions="",
    of_cell=partial(_part, "density"),
)
COVERAGE = replace(
    PRECISION,
    key="coverage",
    title="Coverage",
    about="Share of the real images that have an edit near to them; less led by outliers than recall.",
    about_conversions="",
    of_cell=partial(_part, "coverage"),
)
