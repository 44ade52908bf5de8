"""Measures one cell (a method, a mode, an attribute or conversion): a loop over the measures of eval/measures.

The edits come in batches, and the pictures are forgotten again: a few numbers and the features are all that is kept of
an edit. The same batches give the same bytes. A measure that cannot be had says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.distances.reals import MatchedReals, Reals
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.features import Extractor
from bridgebench.eval.judges.gathered import Gathered
from bridgebench.eval.judges.networks import Networks
from bridgebench.eval.judges.reading import GatheredReading, Reading, batches, half, read
from bridgebench.eval.measures import MEASURES
from bridgebench.eval.measures.card import Edits, MeasureCard, MeasureFailed, Need, Record, Values
from bridgebench.eval.records.record import CellKind
from bridgebench.eval.statistics.intervals import Bounds, mean, share
from bridgebench.eval.statistics.ratios import linear
from bridgebench.methods.core.labels import LabelSpace


@dataclass(frozen=True)
class Instruments:
    """What all cells of a run share.

    Attributes:
        primary: the first judge; its readings give accuracy and leakage.
        second: a judge that no method ever saw.
        extractor: the feature space of distances and diversity.
        reals: the real side.
        minimum_n: fewer images than this on either side: no Fréchet distance.
        networks: what single measures look through besides.
        measures: the measures that are taken.
    """

    primary: AttributeClassifier
    second: AttributeClassifier
    extractor: Extractor
    reals: Reals
    minimum_n: int
    networks: Networks = field(default_factory=Networks)
    measures: Sequence[MeasureCard] = field(default_factory=lambda: MEASURES)

    @property
    def space(self) -> LabelSpace:
        """What the label columns are."""
        return self.reals.space


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
        kind: what the edits do; it decides which measures are taken.
        matched: real images with the target labels of the edits; None of conversions.
        flipped: (N, A) bool, the columns that are flipped, repairs aside; None: `column` alone.
        steps: how far each of the outputs goes, in a cell that edits each source at several strengths or mixes.
        matched_in: the same in the spaces of networks, by the network's name.
    """

    column: int
    source_labels: NDArray
    target_labels: NDArray
    source_reading: Reading
    outputs: int = 1
    copies: int = 1
    kind: CellKind = "flip"
    matched: MatchedReals | None = None
    flipped: NDArray[np.bool_] | None = None
    steps: tuple[float, ...] = ()
    matched_in: Mapping[str, MatchedReals] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {len(self.source_labels), len(self.target_labels), len(self.source_reading.logits)}
        if len(sizes) != 1 or sizes == {0}:
            raise ValueError(f"a cell needs the same number of labels and readings, not {sorted(sizes)}")

    @property
    def n(self) -> int:
        """The number of sources."""
        return len(self.source_labels)


class CellMeasures(NamedTuple):
    """What was measured in a cell.

    Attributes:
        records: the measures by key, as the cell's record has them.
        values: by key, (P,) float32: the measures that give a value for each edit; NaN where an edit has none.
        units: (P,) float32: what the amounts of ratios are held against, by the name that their cards give it.
    """

    records: dict[str, Record]
    values: dict[str, NDArray[np.float32]]
    units: dict[str, NDArray[np.float32]]


class Tally:
    """Takes the edits of a cell, batch by batch, and measures them when all are in.

    Args:
        bench: what all cells share.
        task: what is edited.
    """

    def __init__(self, bench: Instruments, task: Task) -> None:
        self.bench = bench
        self.task = task
        self._given: set[Need] = {"judge", "features", "domains" if bench.space.exclusive else "attributes"}
        if task.matched is not None:
            self._given.add("matched")
        self._total = task.outputs * task.n
        self._primary, self._second = GatheredReading(self._total), GatheredReading(self._total)
        self._features = Gathered(self._total)
        self._values: dict[str, Gathered] = {}
        self._vectors: dict[str, Gathered] = {}
        self._failed: dict[str, str] = {}

    def add(self, source: NDArray[np.uint8], edited: NDArray[np.uint8], truth: NDArray[np.uint8] | None = None) -> None:
        """Takes the next edits, in order: uint8 (M, H, W, 3) before, after, and as they truly are, if that is known."""
        self._primary.add(read(self.bench.primary, edited))
        self._second.add(read(self.bench.second, edited))
        self._features.add(self.bench.extractor(edited))
        if truth is not None:
            self._given.add("truth")
        for card in self.bench.measures:
            if card.of_images and not card.network and self._takes(card):
                self._add_values(card, source, edited, truth)
        for rows in batches(edited):
            self._look_through_networks(source[rows], edited[rows], None if truth is None else truth[rows])

    def _look_through_networks(
        self, source: NDArray[np.uint8], edited: NDArray[np.uint8], truth: NDArray[np.uint8] | None
    ) -> None:
        """Takes the measures of the next edits that look through a network; each network sees an image once."""
        seen: dict[tuple[str, str], NDArray[np.float32]] = {}

        def vectors(name: str, which: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            network = self.bench.networks.found[name]
            key = (network.digest, which)
            if key not in seen:
                seen[key] = network.embed(images)
            return seen[key]

        through = [card for card in self.bench.measures if card.network and self._takes(card)]
        for card in through:
            if card.of_images:
                wanted = truth if "truth" in card.needs else None
                self._add_values(
                    card,
                    vectors(card.network, "source", source),
                    vectors(card.network, "edited", edited),
                    None if wanted is None else vectors(card.network, "truth", wanted),
                )
        for name in dict.fromkeys(card.network for card in through if card.of_cell):
            self._vectors.setdefault(name, Gathered(self._total)).add(vectors(name, "edited", edited))

    def _add_values(self, card: MeasureCard, *images: NDArray | None) -> None:
        """Takes a measure of the next edits; one that has failed is not tried again."""
        if card.key not in self._failed:
            assert card.of_images is not None
            values = self._try(card, card.of_images, *images)
            if values is not None:
                self._values.setdefault(card.key, Gathered(self._total)).add(values)

    def _try(self, card: MeasureCard, function: Callable[..., Any], *given: Any) -> Any:
        """What a measure's function gives; None where the measure fails, which is noted."""
        try:
            return function(*given)
        except MeasureFailed as failed:
            self._failed[card.key] = str(failed)
            return None

    @cached_property
    def edits(self) -> Edits:
        """All edits as the judges read them, once they are in.

        Raises:
            ValueError: they are not as many as the task says.
        """
        bench, task, taken = self.bench, self.task, self._primary.logits.taken
        if taken != self._total:
            raise ValueError(f"{taken} edits, {task.outputs} of each of {task.n} sources wanted")
        reading = self._primary.reading
        return Edits(
            column=task.column,
            source_labels=self._each(task.source_labels),
            target_labels=self._each(task.target_labels),
            seen=reading.seen(bench.space),
            seen_second=self._second.reading.seen(bench.space),
            before=self._each(_kept(task.source_reading)),
            after=_kept(reading),
            after_second=_kept(self._second.reading),
            flipped=self._each(_flipped(task)),
            features=self._features.rows,
            reals=bench.reals,
            minimum_n=bench.minimum_n,
            outputs=task.outputs,
            copies=task.copies,
            matched=task.matched,
            steps=task.steps,
        )

    def values(self, name: str) -> Values | None:
        """A measure of each edit (``l1_true``, ...), (P,); None if it was not taken."""
        if name not in self._values:
            return None
        rows = self._values[name].rows
        return rows if rows.ndim == 1 else linear(*rows.T)

    def measures(self, draws: NDArray[np.float32] | None = None) -> CellMeasures:
        """The measures of the cell by key, in their order (see eval/PROTOCOL.md and each measure's file).

        Args:
            draws: features (M, k, D) of k edits of each of M images, of a method that can give more than one (where
                `outputs` is 1).

        Returns:
            The records, and the values of each edit. A mean over the N sources, each with the mean of its outputs, is
            ``{"value", "low", "high", "n"}``, of a ratio with the mean ``"unit"``; other measures say in their file
            what they record. A measure that cannot be had is ``{"value": None, "reason": str}``, or is left out where
            its card gives no reason. A plug-in's measure that failed has ``"failed": True``, too.

        Raises:
            ValueError: fewer or more edits were added than the task says.
        """
        edits, found = replace(self.edits, draws=draws), CellMeasures({}, {}, {})
        for card in self.bench.measures:
            if not self._takes(card):
                reason = self._missing(card)
                if reason and self.task.kind in card.kinds:
                    found.records[card.key] = {"value": None, "reason": reason}
                continue
            measured = None
            if card.of_cell:
                measured = self._try(card, card.of_cell, self._in_space(edits, card.network) if card.network else edits)
            elif card.key not in self._failed:
                measured = self.values(card.key)
            if card.key in self._failed:
                found.records[card.key] = {"value": None, "reason": self._failed[card.key], "failed": True}
            elif isinstance(measured, dict):
                found.records[card.key] = measured
            elif measured is not None:  # a mean can be computed again from the values that the outcomes keep
                found.values[card.key] = values = measured.astype(np.float32)
                by_step = bool(self.task.steps) and not card.of_way
                found.records[card.key] = self._by_step(values) if by_step else self._mean(card, values)
                if card.against:
                    found.units[card.against] = unit = self._values[card.key].rows[:, 1].astype(np.float32)
                    if unit.any():
                        found.records[card.key]["unit"] = float(unit.mean(dtype=np.float64))
        return found

    def _takes(self, card: MeasureCard) -> bool:
        """Whether a measure is for this kind of cell and has what it needs."""
        there = not card.network or card.network in self.bench.networks.found
        return there and self.task.kind in card.kinds and self._given.issuperset(card.needs)

    def _missing(self, card: MeasureCard) -> str:
        """Why a measure was not taken; empty: the record leaves it out."""
        if not self._given.issuperset(card.needs):
            return card.unmet
        return self.bench.networks.missing.get(card.network, "")

    def _in_space(self, edits: Edits, network: str) -> Edits:
        """The edits with the features and the real images in the space of a network."""
        matched = self.task.matched_in.get(network)
        reals = self.bench.networks.reals[network] if matched is None else matched
        return replace(edits, features=self._vectors[network].rows, reals=reals, matched=matched, draws=None)

    def _each(self, rows: NDArray) -> NDArray:
        """The rows of the sources (N, A), repeated for each of their outputs (P, A)."""
        return np.tile(rows, (self.task.outputs, 1))

    def _by_step(self, values: NDArray[np.float32]) -> Record:
        """The mean over the sources at each step, values (P,) of NaN left out: ``{"values": {step: mean}, "n": N}``."""
        means = _mean_of_outputs(values.astype(np.float64).reshape(len(self.task.steps), self.task.n).T)
        known = [None if np.isnan(value) else float(value) for value in means]
        return {"values": dict(zip((f"{step:g}" for step in self.task.steps), known, strict=True)), "n": self.task.n}

    def _mean(self, card: MeasureCard, values: NDArray) -> Record:
        """The mean of values (P,) over the sources that have one, the outputs of each averaged first."""
        known = _mean_of_outputs(np.asarray(values, dtype=np.float64).reshape(self.task.outputs, self.task.n))
        known = known[~np.isnan(known)]
        if not len(known):
            return {"value": None, "reason": card.without}
        return _record(float(known.mean()), (share if card.shares else mean)(known), len(known))


def _flipped(task: Task) -> NDArray[np.bool_]:
    """(N, A): the columns that the edits of each source flip."""
    if task.flipped is not None:
        return task.flipped
    return np.broadcast_to(np.arange(task.target_labels.shape[1]) == task.column, task.target_labels.shape)


def _kept(reading: Reading) -> Values:
    """The probabilities (N, A) of a reading as the outcomes keep them."""
    return half(reading.probabilities).astype(np.float64)


def _record(value: float, interval: Bounds | None, n: int) -> Record:
    low, high = interval or (None, None)
    return {"value": value, "low": low, "high": high, "n": n}


def _mean_of_outputs(values: Values) -> Values:
    """(k, N) -> (N,), NaN left out, NaN where there is nothing else."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(values.shape[1], np.nan), where=counts > 0)
