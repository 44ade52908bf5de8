"""Measures how well a judge reads unseen images and true flips of them, for the card of its weights file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.judges.calibration import calibration
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.reading import Reading, read
from bridgebench.eval.measures.accuracy import hits
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.processes.terminal import text_table

_FLIPPED_FACES = 60


def score(model: AttributeClassifier, test: ImageSet) -> dict[str, Any]:
    """How well a judge reads unseen images.

    Returns:
        ``{"test": {"n", "mean", "min", "accuracy": {attribute: share}, "balanced", "calibration"}, "flips": {"n",
        "mean", "min", "accuracy"} or None}``: shares of right readings in [0, 1] on natural test images, and for the
        flipped attribute on true flips of them (for domains: on true conversions to each domain). "balanced" is, by
        attribute, the mean of the share among images with the attribute and the share among images without it; None if
        the test images lack either kind. For "calibration" see :func:`calibration_record`.
    """
    columns, labels = test.attributes, np.asarray(test.labels)
    reading = read(model, test.images)
    right = reading.seen(test.space) == (labels == 1)
    natural = dict(zip(columns, right.mean(axis=0).tolist(), strict=True))
    scores: dict[str, Any] = {"test": _summary(natural, len(right)), "flips": None}
    scores["test"]["balanced"] = dict(zip(columns, _balanced(right, labels), strict=True))
    scores["test"]["calibration"] = calibration_record(reading, labels, columns)
    if test.has_truth:
        indices = np.arange(min(_FLIPPED_FACES, len(test.images)))
        flips = {attribute: _flip_accuracy(model, test, attribute, indices) for attribute in columns}
        scores["flips"] = _summary(flips, len(indices))
    return scores


def calibration_record(reading: Reading, labels: NDArray[np.uint8], attributes: tuple[str, ...]) -> dict[str, Any]:
    """A judge's calibration as stored in the card, to four significant figures.

    Returns:
        ``{"error": {attribute: expected calibration error}, "brier": {attribute: score}, "mean_error", "mean_brier",
        "bins": {"count", "predicted", "observed"}}``. The ten bins have equal width and cover all attributes together.
        The mean probability ("predicted") and the true share ("observed") are None in an empty bin.
    """
    found = calibration(reading.probabilities, labels)
    return {
        "error": {name: _short(value) for name, value in zip(attributes, found.error, strict=True)},
        "brier": {name: _short(value) for name, value in zip(attributes, found.brier, strict=True)},
        "mean_error": _short(found.error.mean()),
        "mean_brier": _short(found.brier.mean()),
        "bins": {
            "count": found.count.tolist(),
            "predicted": [_short(value) for value in found.predicted],
            "observed": [_short(value) for value in found.observed],
        },
    }


def scores_table(which: str, scores: dict[str, Any]) -> str:
    """The scores as a table for the terminal."""
    natural, flips = scores["test"], scores["flips"]
    heads = [f"{name} (N={column['n']})" for name, column in (("test", natural), ("true flips", flips)) if column]
    rows = []
    for attribute, accuracy in natural["accuracy"].items():
        shares = [accuracy, *([flips["accuracy"][attribute]] if flips else []), natural["balanced"][attribute]]
        rows.append((attribute, *map(_percent, shares), _percent(natural["calibration"]["error"][attribute])))
    for line in ("mean", "min"):
        error = _percent(natural["calibration"]["mean_error"]) if line == "mean" else ""
        rows.append((line, *(_percent(column[line]) for column in (natural, flips) if column), "", error))
    return f"{which}\n{text_table(('attribute', *heads, 'balanced', 'calibration error'), rows)}"


def _flip_accuracy(
    model: AttributeClassifier, test: ImageSet, attribute: str, indices: NDArray[np.signedinteger]
) -> float:
    """The share of true flips of an attribute (or true conversions to a domain) that the judge reads correctly."""
    space = test.space
    labels = space.target(np.asarray(test.labels)[indices], attribute)
    reading = read(model, test.true_edit(indices, labels, attribute=attribute))
    return float(hits(reading.seen(space), labels, space.index(attribute)).mean())


def _balanced(right: NDArray[np.bool_], labels: NDArray[np.uint8]) -> list[float | None]:
    found: list[float | None] = []
    for column in range(labels.shape[1]):
        parts = [right[labels[:, column] == value, column] for value in (0, 1)]
        found.append(float(np.mean([part.mean() for part in parts])) if all(map(len, parts)) else None)
    return found


def _summary(accuracy: dict[str, float], count: int) -> dict[str, Any]:
    values = list(accuracy.values())
    return {"n": count, "mean": sum(values) / len(values), "min": min(values), "accuracy": accuracy}


def _short(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.4g}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
