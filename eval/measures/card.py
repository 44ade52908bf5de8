"""What a measure is: a function, and the card that says what the measure is called, needs, and how it is shown.

Cards import no torch, so that pages can be made without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.distances.reals import MatchedReals, Reals
from bridgebench.eval.records.record import CellKind
from bridgebench.methods.core.notebook import facts_html

Values = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Record = dict[str, Any]
Need = Literal["judge", "features", "matched", "truth", "attributes", "domains"]
EDITING: tuple[CellKind, ...] = ("flip", "several", "sequence", "added")
ONE_FLIP: tuple[CellKind, ...] = ("flip", "added")  # all edits of the cell flip the same column
STEPS: tuple[CellKind, ...] = ("strength", "way")  # several edits of each image, from weak to strong or from end to end
BACK: tuple[CellKind, ...] = ("round-trip", "null")  # a right edit is the source
Place = Literal["accuracy", "distance", "rest", "overview", "variants", "terminal"]


@dataclass(frozen=True)
class Edits:
    """All edits of a cell, as the judges read them: `outputs` of each of N sources, edit p being one of source p % N.

    Attributes:
        column: of the edited attribute, or of the target domain; -1 where the edits flip different columns.
        source_labels, target_labels: (P, A) of 0 and 1, P = outputs · N; where they differ the edit touches a column.
        seen, seen_second: (P, A) bool: the labels that the primary and the second judge read in the edits.
        before, after: (P, A) in [0, 1]: the primary judge's probabilities for the source and for the edit.
        after_second: (P, A) in [0, 1]: the second judge's probabilities for the edit.
        flipped: (P, A) bool: the columns that each edit flips, repairs aside; of a conversion the target domain.
        features: (P, D) of the edits.
        reals: all real images.
        matched: real images of other people with the labels that the edits aim at; None of conversions, whose target
            domain is all that there is to match.
        minimum_n: with fewer images than this on either side there is no Fréchet distance.
        outputs: edits of each source.
        copies: how often each edit counts in a Fréchet distance, for a method whose outputs of a source are all equal.
        steps: how far each of the outputs goes, in a cell that edits each source at several strengths or mixes.
        shared: what measures of one family compute together, by the family.
        draws: (M, k, D): features of k edits of each of M images, where `outputs` is 1 and the method can give more.
    """

    column: int
    source_labels: NDArray
    target_labels: NDArray
    seen: NDArray[np.bool_]
    seen_second: NDArray[np.bool_]
    before: Values
    after: Values
    after_second: Values
    flipped: NDArray[np.bool_]
    features: NDArray[np.float32]
    reals: Reals
    minimum_n: int
    outputs: int
    copies: int
    steps: tuple[float, ...] = ()
    draws: NDArray[np.float32] | None = None
    matched: MatchedReals | None = None
    shared: dict[str, Any] = field(init=False, default_factory=dict)

    @property
    def target(self) -> NDArray:
        """The value that each edit gives the column, (P,) of 0 and 1."""
        return self.target_labels[:, self.column]

    @property
    def common_column(self) -> int | None:
        """The column that all edits flip; None where they flip different ones."""
        return None if self.column < 0 else self.column

    @property
    def real_side(self) -> tuple[Reals, NDArray[np.integer]]:
        """The matched real images, or all of them of conversions; and the indices of the edits held against them."""
        if self.matched is None:
            return self.reals, np.arange(len(self.features))
        return self.matched, self.matched.edits

    @property
    def sources(self) -> NDArray[np.int64]:
        """Which source each edit is of, (P,)."""
        return np.arange(len(self.features)) % (len(self.features) // self.outputs)


class Family(NamedTuple):
    """Measures that share a definition: their name in the protocol, and the version of the definition.

    The version is raised by one whenever the definition changes: stored cells are then measured again.
    """

    name: str
    version: int


class MeasureFailed(Exception):
    """A plug-in's measure failed; the message is a line that says why. The cell's other measures go on."""


@dataclass(frozen=True)
class MeasureCard:
    """One measure: its function, what the function needs, and how its value is shown.

    Exactly one of `of_images` and `of_cell` is given; a card that a page reads from a record has neither.

    Attributes:
        key: its name in a cell's record.
        family: under which name and version the protocol has it.
        title: its name on a page; ``{space}`` and ``{kernel}`` in it stand for the distances of the feature space.
        about: one sentence on what it says.
        about_conversions: the same for conversions of domains, where it differs.
        spoken: its name inside a sentence; only the main measures have one.
        of_images: of a batch of M sources, edits and true edits, uint8 (M, H, W, 3), a value (M,) for each edit, NaN
            where it has none. True edits are None where the data has none, unless the measure needs them. A ratio gives
            (M, 2), see `against`.
        against: of a ratio, the name of what its amounts are held against; empty: it is no ratio. `of_images` gives an
            amount and a unit for each edit. The measure is the sum of the amounts over the sum of the units, of a cell
            and of several cells. The values of a cell's edits are made so that their mean is its ratio. Measures with
            the same name here have the same units.
        of_cell: gives a value (P,) for each edit of a cell; or the whole record of the cell; or None: there is nothing
            to measure, and the cell's record leaves the measure out.
        needs: what must be there: a judge, features, matched real images, a true edit, columns that are attributes or
            that are domains.
        network: the network through which the function looks: `of_images` gets the network's vectors (M, D) in place of
            pixels, and true edits only if it needs them; of `of_cell`, the edits' features and real images are those in
            the network's space. A run without the network says how to get it, and has no value.
        kinds: the kinds of cells that it is for; the record of another cell leaves it out.
        of_way: it says one thing of all steps of a source. Other measures of a cell with steps are given at each step.
        unmet: why there is no value where a need is not met; empty: the record leaves the measure out.
        without: why there is no value where no edit has one.
        shares: each value is 0 or 1, so the interval of the mean is Wilson's; else Hall's.
        unit: printed after the title in table heads; empty: none.
        better: the direction that is better; None where neither is: a good edit has to change something, and a method
            is right where it changes as much as the true edit.
        factor, digits: the printed value is ``value * factor`` with so many digits.
        span: the value's natural range for shading; None: the range of the methods in the table.
        distance: a Fréchet distance: it has no interval, so the lowest is named and never bold.
        shown: in which tables: its section of the first page (``"accuracy"``, ``"distance"``, ``"rest"``), the first
            table of the page, the tables of variants, the table that a benchmark ends with in the terminal.
    """

    key: str
    family: Family
    title: str
    about: str
    about_conversions: str = ""
    spoken: str = ""
    of_images: Callable[[Any, Any, Any], Values] | None = None
    against: str = ""
    of_cell: Callable[[Edits], NDArray | Record | None] | None = None
    needs: tuple[Need, ...] = ()
    kinds: tuple[CellKind, ...] = EDITING
    network: str = ""
    of_way: bool = False
    unmet: str = ""
    without: str = ""
    shares: bool = False
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    factor: float = 1.0
    digits: int = 1
    span: tuple[float, float] | None = None
    distance: bool = False
    shown: tuple[Place, ...] = ("rest",)

    @property
    def direction(self) -> str:
        """What a reader is to look for, e.g. ``"higher is better"``."""
        return f"{self.better} is better" if self.better else "no better direction"

    def _repr_html_(self) -> str:
        facts = {
            "key": self.key,
            "about": self.about,
            "version": f"{self.family.version} of {self.family.name}",
            "unit": self.unit,
            "direction": self.direction,
            "needs": ", ".join(self.needs),
            "network": self.network,
            "cells": ", ".join(self.kinds),
        }
        return facts_html(self.title, facts)

    def text(self, value: float) -> str:
        """The value as it is printed, without its unit."""
        return f"{value * self.factor:.{self.digits}f}"

    def in_space(self, space: str, conversions: bool) -> MeasureCard:
        """The card as a run shows it.

        Args:
            space: what the run calls a Fréchet distance, e.g. ``"FD (attribute features)"``.
            conversions: whether the run's edits turn one domain into another.
        """
        kernel = space.replace("FID", "KID").replace("FD", "KID")
        title = self.title.replace("{space}", space).replace("{kernel}", kernel)
        return replace(self, title=title, about=(conversions and self.about_conversions) or self.about)
