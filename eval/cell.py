"""All measures of one cell (a method, a mode, an attribute or conversion), joined into the record that is stored.

Edits come in batches and are forgotten again: a few numbers and the features are all that is kept of an image.
Deterministic: the same batches give the same bytes. Nothing here takes time into account, and each measure that cannot
be had says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from bridgebench.eval.distances.reals import Reals
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.features import Extractor
from bridgebench.eval.judges.gathered import Gathered
from bridgebench.eval.judges.reading import GatheredReading, Reading, read
from bridgebench.eval.measures.accuracy import hits
from bridgebench.eval.measures.counterfactual import edit_mask, l1_by_mask, psnr
from bridgebench.eval.measures.distances import paper_distance, target_distances
from bridgebench.eval.measures.diversity import diversity
from bridgebench.eval.measures.leakage import leakage, leakage_by
from bridgebench.eval.measures.preservation import l1, ssim_to_each
from bridgebench.eval.statistics.intervals import bootstrap, share
from bridgebench.methods.core.labels import LabelSpace
from numpy.typing import NDArray

Measure = dict[str, Any]
Values = NDArray[np.float64]
Interval = Callable[[Values, int, int], tuple[float, float]]


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

    @property
    def space(self) -> LabelSpace:
        """What the label columns are."""
        return self.reals.space

    def features_of(self, reading: Reading, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, D) of images that the primary judge has read: its own are not computed twice."""
        own = self.extractor.digest == self.primary.digest and self.extractor.name == "attributes"
        return reading.features if own else self.extractor(images)


@dataclass(frozen=True)
class Task:
    """What is edited in a cell: `outputs` edits of each of N ≥ 1 sources, edit p being one of source p % N.

    Attributes:
        column: of the edited attribute, or of the target domain.
        source_labels: (N, A) of 0 and 1.
        target_labels: likewise; where they differ from `source_labels` the edit touches a column.
        source_reading: the primary judge's reading of the sources.
        outputs: edits of each source.
        copies: how often each edit counts in a Fréchet distance, for a method whose outputs of a source are all equal.
    """

    column: int
    source_labels: NDArray
    target_labels: NDArray
    source_reading: Reading
    outputs: int = 1
    copies: int = 1

    def __post_init__(self) -> None:
        sizes = {len(self.source_labels), len(self.target_labels), len(self.source_reading.logits)}
        if len(sizes) != 1 or sizes == {0}:
            raise ValueError(f"a cell needs the same number of labels and readings, not {sorted(sizes)}")

    @property
    def n(self) -> int:
        """The number of sources."""
        return len(self.source_labels)


class Tally:
    """Takes the edits of a cell, batch by batch, and measures them when all are in.

    Args:
        bench: what all cells share.
        task: what is edited.
    """

    def __init__(self, bench: Bench, task: Task) -> None:
        self.bench = bench
        self.task = task
        self._total = task.outputs * task.n
        self._primary, self._second = GatheredReading(self._total), GatheredReading(self._total)
        self._features = Gathered(self._total)
        self._values: dict[str, Gathered] = {}

    def add(self, source: NDArray[np.uint8], edited: NDArray[np.uint8], truth: NDArray[np.uint8] | None = None) -> None:
        """Takes the next edits, in order: uint8 (M, H, W, 3) before, after, and as they truly are, if that is known."""
        reading = read(self.bench.primary, edited)
        self._primary.add(reading)
        self._second.add(read(self.bench.second, edited))
        self._features.add(self.bench.features_of(reading, edited))
        similar = ssim_to_each(edited, source, *([] if truth is None else [truth]))
        found = {"l1_source": l1(edited, source), "ssim_source": similar[0]}
        if truth is not None:
            inside, outside = l1_by_mask(edited, truth, edit_mask(source, truth))
            found |= {"psnr_true": psnr(edited, truth), "ssim_true": similar[1], "l1_true": l1(edited, truth)}
            found |= {"l1_true_inside": inside, "l1_true_outside": outside}
        for name, values in found.items():
            self._values.setdefault(name, Gathered(self._total)).add(values)

    @cached_property
    def reading(self) -> Reading:
        """The primary judge's reading of all edits, once they are in.

        Raises:
            ValueError: they are not as many as the task says.
        """
        taken = self._primary.logits.taken
        if taken != self._total:
            raise ValueError(f"{taken} edits, {self.task.outputs} of each of {self.task.n} sources wanted")
        return self._primary.reading

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """For each edit, whether the primary judge reads the target."""
        return self._hits(self.reading)

    def values(self, name: str) -> Values | None:
        """A measure of each edit (``l1_true``, ...), or None if it was not taken."""
        return self._values[name].rows if name in self._values else None

    def measures(self, draws: NDArray[np.float32] | None = None) -> dict[str, Measure]:
        """The measures of the cell by name (see PROTOCOL.md and each measure's module).

        Args:
            draws: features (M, k, D) of k edits of each of M images, of a method that can give more than one (where
                `outputs` is 1).

        Returns:
            ``accuracy``, ``accuracy_second``, ``l1_source``, ``ssim_source``; of attributes ``accuracy_added``,
            ``accuracy_removed``, ``leakage``; with a truth ``psnr_true``, ``ssim_true``, ``l1_true``,
            ``l1_true_inside``, ``l1_true_outside``: ``{"value", "low", "high", "n"}``, of N sources, each with the mean
            of its outputs. ``fd_target`` and, of attributes, ``fd_paper``: ``{"value", "n", "n_real"}``, of all edits;
            ``kid`` (the pairs of ``fd_target``): ``{"value", "se", "n", "n_real"}``. ``diversity``: ``{"value", "n",
            "draws"}``. ``leakage_by``, of attributes: ``{"values": {attribute: float or None}}``. A measure that cannot
            be had is ``{"value": None, "reason": str}``.

        Raises:
            ValueError: fewer or more edits were added than the task says.
        """
        bench, task = self.bench, self.task
        right, second = self.right, self._hits(self._second.reading)
        measures = {"accuracy": self._mean(right, "", share), "accuracy_second": self._mean(second, "", share)}
        for name, values in self._values.items():
            measures[name] = self._mean(values.rows, _WITHOUT.get(name, ""))
        features, target = self._features.rows, self._targets[:, task.column]
        sources = np.tile(np.arange(task.n), task.outputs)
        held = (features, target, task.column, bench.reals, bench.minimum_n)
        measures |= target_distances(*held, copies=task.copies, sources=sources)
        measures |= self._of_conversions(features) if bench.space.exclusive else self._of_attributes(features)
        if draws is not None:
            measures["diversity"] = _diversity(draws)
        return measures

    def _of_attributes(self, features: NDArray[np.float32]) -> dict[str, Measure]:
        task, added = self.task, self._targets[:, self.task.column] == 1
        readings = (task.source_reading.probabilities, self.reading.probabilities)
        leaked = leakage(*readings, task.source_labels, task.target_labels)
        by_attribute = leakage_by(*readings, task.source_labels, task.target_labels)
        return {
            "accuracy_added": self._mean(np.where(added, self.right, np.nan), "no edit adds the attribute", share),
            "accuracy_removed": self._mean(np.where(added, np.nan, self.right), "no edit removes the attribute", share),
            "fd_paper": paper_distance(features, self.bench.reals, self.bench.minimum_n),
            "leakage": self._mean(leaked, "the flip touches every attribute"),
            "leakage_by": _by_name(by_attribute, self.bench.space.columns),
        }

    def _of_conversions(self, features: NDArray[np.float32]) -> dict[str, Measure]:
        task = self.task
        found: dict[str, Measure] = {
            "fd_paper": {"value": None, "reason": "a conversion is held against images of its target domain alone"},
            "leakage": {"value": None, "reason": "a conversion changes what every column says"},
        }
        if task.outputs > 1:
            found["diversity"] = _diversity(features.reshape(task.outputs, task.n, -1).swapaxes(0, 1))
        elif task.copies > 1:
            found["diversity"] = {"value": 0.0, "n": task.n, "draws": task.copies}
        return found

    @cached_property
    def _targets(self) -> NDArray:
        return np.tile(self.task.target_labels, (self.task.outputs, 1))

    def _hits(self, reading: Reading) -> NDArray[np.bool_]:
        return hits(reading.seen(self.bench.space), self._targets, self.task.column)

    def _mean(self, values: NDArray, without: str = "", interval: Interval = bootstrap) -> Measure:
        """A mean over the sources that have a value, their outputs averaged first; `without` says why none has."""
        known = _mean_of_outputs(np.asarray(values, dtype=np.float64).reshape(self.task.outputs, self.task.n))
        known = known[~np.isnan(known)]
        if not len(known):
            return {"value": None, "reason": without}
        low, high = interval(known, self.bench.seed, self.bench.resamples)
        return {"value": float(known.mean()), "low": low, "high": high, "n": len(known)}


_WITHOUT = {
    "l1_true_inside": "the true edit changes no pixel",
    "l1_true_outside": "the true edit changes every pixel",
}


def _mean_of_outputs(values: Values) -> Values:
    """(k, N) -> (N,), NaN left out, NaN where there is nothing else."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(values.shape[1], np.nan), where=counts > 0)


def _by_name(values: Values, names: Sequence[str]) -> Measure:
    found = zip(names, values, strict=True)
    return {"values": {name: None if np.isnan(value) else float(value) for name, value in found}}


def _diversity(features: NDArray[np.float32]) -> Measure:
    values = diversity(features)
    return {"value": float(values.mean()), "n": len(values), "draws": features.shape[1]}
