"""Measures how well a network reads unseen images and true flips of them, for the card of its weights file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.judges.calibration import calibration
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.identity import embedding, knows_people
from bridgebench.eval.judges.reading import Reading, read
from bridgebench.eval.measures.accuracy import hits
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.processes.terminal import text_table

_FLIPPED_FACES = 60


def score(model: AttributeClassifier, test: ImageSet) -> dict[str, Any]:
    """How well a network reads unseen images.

    Returns:
        ``{"test": {"n", "mean", "min", "accuracy": {attribute: share}, "balanced", "calibration"}, "flips": {"n",
        "mean", "min", "accuracy"} or None}``, and ``"identity"`` of a network that tells people apart (see
        :func:`identity_record`): shares of right readings in [0, 1] on natural test images, and for the
        flipped attribute on true flips of them (for domains: on true conversions to each domain). "balanced" is, by
        attribute, the mean of the share among images with the attribute and the share among images without it; None if
        the test images lack either kind. For "calibration" see :func:`calibration_record`.
    """
    columns, labels = test.attributes, np.asarray(test.labels)
    reading = read(model, test.images).of(len(columns))
    right = reading.seen(test.space) == (labels == 1)
    natural = dict(zip(columns, right.mean(axis=0).tolist(), strict=True))
    scores: dict[str, Any] = {"test": _summary(natural, len(right)), "flips": None}
    scores["test"]["balanced"] = dict(zip(columns, _balanced(right, labels), strict=True))
    scores["test"]["calibration"] = calibration_record(reading, labels, columns)
    if test.has_truth:
        indices = np.arange(min(_FLIPPED_FACES, len(test.images)))
        edits = {attribute: _read_flips(model, test, attribute, indices) for attribute in columns}
        flips = {attribute: _flip_accuracy(found, test, attribute, indices) for attribute, found in edits.items()}
        scores["flips"] = _summary(flips, len(indices))
        if knows_people(model.attributes):
            people = embedding(read(model, np.asarray(test.images[indices])), model.attributes)
            scores["identity"] = identity_record(
                people, [embedding(found, model.attributes) for found in edits.values()]
            )
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


def identity_record(people: NDArray[np.float32], edits: Sequence[NDArray[np.float32]]) -> dict[str, float | int]:
    """How well an embedding tells whether a true edit shows the person of the source.

    Args:
        people: embeddings (N, E) of the sources, N ≥ 2.
        edits: for each kind of edit, the embeddings (N, E) of the edits of the same people.

    Returns:
        ``{"n", "area", "same", "different"}``: the number of edits, the area under the ROC curve (the share of pairs of
        an edit with its source that are more alike than a pair of an edit with another source; 0.5 is chance), and the
        mean cosines of both kinds of pairs.
    """
    cosines = np.stack([found @ people.T for found in edits])  # (kinds, N, N)
    own = np.eye(len(people), dtype=bool)
    same, different = cosines[:, own].ravel(), np.sort(cosines[:, ~own].ravel())
    area = np.searchsorted(different, same).mean() / len(different)
    return {
        "n": len(same),
        "area": float(f"{area:.4f}"),
        "same": float(f"{same.mean():.4f}"),
        "different": float(f"{different.mean():.4f}"),
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


def _read_flips(
    model: AttributeClassifier, test: ImageSet, attribute: str, indices: NDArray[np.signedinteger]
) -> Reading:
    """The network's answers for true flips of an attribute (or true conversions to a domain)."""
    labels = test.space.target(np.asarray(test.labels)[indices], attribute)
    return read(model, test.true_edit(indices, labels))


def _flip_accuracy(reading: Reading, test: ImageSet, attribute: str, indices: NDArray[np.signedinteger]) -> float:
    """The share of these edits that the network reads correctly."""
    space = test.space
    labels = space.target(np.asarray(test.labels)[indices], attribute)
    seen = reading.of(len(space.columns)).seen(space)
    return float(hits(seen, labels, space.index(attribute)).mean())


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
