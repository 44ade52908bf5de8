"""All measures of one cell (a method, a mode, an attribute), joined into the record that is stored.

Deterministic: the same inputs give the same bytes. Nothing here takes time into account, and each measure that cannot
be had says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.accuracy import hits
from eval.bootstrap import interval
from eval.classifier import AttributeClassifier
from eval.counterfactual import edit_mask, l1_by_mask, psnr
from eval.distances import distances
from eval.diversity import diversity
from eval.features import Extractor
from eval.judging import Reading, read
from eval.leakage import leakage
from eval.preservation import l1, ssim
from eval.reals import Reals

Measure = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What all cells of a run share.

    Attributes:
        primary: the first judge; its readings give accuracy, leakage, and the features of the space "attributes".
        second: a judge that no method ever saw.
        extractor: the feature space of distances and diversity.
        reals: the real side.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        minimum_n: fewer images than this on either side: no Fréchet distance.
    """

    primary: AttributeClassifier
    second: AttributeClassifier
    extractor: Extractor
    reals: Reals
    seed: int
    resamples: int
    minimum_n: int


@dataclass(frozen=True)
class CellInputs:
    """The edits of one cell and what they are held against; N ≥ 1 images of one size.

    Attributes:
        bench: what all cells share.
        attribute: column of the edited attribute.
        source: the images before, uint8 (N, H, W, 3).
        edited: the images after, likewise.
        source_labels: (N, A) of 0 and 1.
        target_labels: likewise; where they differ from `source_labels` the flip touched an attribute.
        source_reading: the primary judge's reading of `source`, made once a run.
        truth: the true edited images, where there are any.
        draws: k edits of each of M images, uint8 (M, k, H, W, 3), of a method that can give more than one.
    """

    bench: Bench
    attribute: int
    source: NDArray[np.uint8]
    edited: NDArray[np.uint8]
    source_labels: NDArray
    target_labels: NDArray
    source_reading: Reading
    truth: NDArray[np.uint8] | None = None
    draws: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        sizes = {len(self.source), len(self.edited), len(self.source_labels), len(self.target_labels)}
        sizes |= {len(self.source_reading.logits)} | ({len(self.truth)} if self.truth is not None else set())
        if len(sizes) != 1 or sizes == {0}:
            raise ValueError(f"a cell needs the same number of images, labels and readings, not {sorted(sizes)}")


def measure_cell(cell: CellInputs) -> dict[str, Measure]:
    """The measures of a cell by name (see PROTOCOL.md and each measure's module).

    Returns:
        ``accuracy``, ``accuracy_added``, ``accuracy_removed``, ``accuracy_second``, ``leakage``, ``l1_source``,
        ``ssim_source``, and with a truth ``psnr_true``, ``ssim_true``, ``l1_true``, ``l1_true_inside``,
        ``l1_true_outside``: ``{"value", "low", "high", "n"}``. ``fd_paper``, ``fd_target``: ``{"value", "n",
        "n_real"}``; ``kid`` (the pairs of ``fd_target``): ``{"value", "se", "n", "n_real"}``. With draws ``diversity``:
        ``{"value", "n", "draws"}``. A measure that cannot be had is ``{"value": None, "reason": str}``.
    """
    bench = cell.bench
    reading = read(bench.primary, cell.edited)
    own = bench.extractor.digest == bench.primary.digest and bench.extractor.name == "attributes"
    features = reading.features if own else bench.extractor(cell.edited)
    measures = _accuracies(cell, reading)
    target = cell.target_labels[:, cell.attribute]
    measures |= distances(features, target, cell.attribute, bench.reals, bench.minimum_n)
    leaked = leakage(cell.source_reading.probabilities, reading.probabilities, cell.source_labels, cell.target_labels)
    measures["leakage"] = _mean(leaked, bench, "the flip touches every attribute")
    measures["l1_source"] = _mean(l1(cell.edited, cell.source), bench)
    measures["ssim_source"] = _mean(ssim(cell.edited, cell.source), bench)
    if cell.truth is not None:
        measures |= _counterfactual(cell, cell.truth)
    if cell.draws is not None:
        values = diversity(cell.draws, bench.extractor)
        measures["diversity"] = {"value": float(values.mean()), "n": len(values), "draws": cell.draws.shape[1]}
    return measures


def _accuracies(cell: CellInputs, reading: Reading) -> dict[str, Measure]:
    right = hits(reading.present, cell.target_labels, cell.attribute)
    second = hits(read(cell.bench.second, cell.edited).present, cell.target_labels, cell.attribute)
    added = cell.target_labels[:, cell.attribute] == 1
    return {
        "accuracy": _mean(right, cell.bench),
        "accuracy_added": _mean(right[added], cell.bench, "no edit adds the attribute"),
        "accuracy_removed": _mean(right[~added], cell.bench, "no edit removes the attribute"),
        "accuracy_second": _mean(second, cell.bench),
    }


def _counterfactual(cell: CellInputs, truth: NDArray[np.uint8]) -> dict[str, Measure]:
    inside, outside = l1_by_mask(cell.edited, truth, edit_mask(cell.source, truth))
    bench = cell.bench
    return {
        "psnr_true": _mean(psnr(cell.edited, truth), bench),
        "ssim_true": _mean(ssim(cell.edited, truth), bench),
        "l1_true": _mean(l1(cell.edited, truth), bench),
        "l1_true_inside": _mean(inside, bench, "the true edit changes no pixel"),
        "l1_true_outside": _mean(outside, bench, "the true edit changes every pixel"),
    }


def _mean(values: NDArray, bench: Bench, without: str = "") -> Measure:
    """A mean over the images that have a value, with its interval; `without` says why none has."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return {"value": None, "reason": without}
    low, high = interval(known, bench.seed, bench.resamples)
    return {"value": float(known.mean()), "low": low, "high": high, "n": len(known)}
