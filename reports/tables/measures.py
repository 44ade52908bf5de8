"""The measures that a page shows: what they are called, which direction is better, how they are printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Literal

from bridgebench.eval.records.measured import Measure

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class MeasureCard:
    """How one measure is shown.

    Attributes:
        key: its name in a cell's record.
        title: its name on the page.
        unit: printed after the title in table heads; empty: none.
        about: one sentence on what it says.
        better: the direction that is better; None where neither is: a good edit has to change something, and a method
            is right where it changes as much as the true edit.
        factor, digits: the printed value is ``value * factor`` with so many digits.
        span: the value's natural range for shading; None: the range of the methods in the table.
        distance: a Fréchet distance: no interval, so the lowest is named and never bold.
    """

    key: str
    title: str
    unit: str
    about: str
    better: Better | None = None
    factor: float = 1.0
    digits: int = 1
    span: tuple[float, float] | None = None
    distance: bool = False

    @property
    def direction(self) -> str:
        """What a reader is to look for, e.g. ``"higher is better"``."""
        return f"{self.better} is better" if self.better else "no better direction"

    def text(self, value: float) -> str:
        """The value as it is printed, without its unit."""
        return f"{value * self.factor:.{self.digits}f}"


def _percent(key: str, title: str, about: str) -> MeasureCard:
    return MeasureCard(key, title, "%", about, better="higher", factor=100.0, span=(0.0, 1.0))


def _l1(key: str, title: str, about: str, better: Better | None = None) -> MeasureCard:
    return MeasureCard(key, title, "% of the range", about, better, factor=100.0, digits=2)


ACCURACY = _percent("accuracy", "Accuracy", "Share of edits that the judge reads as having the target value.")
SECOND = _percent(
    "accuracy_second",
    "Accuracy, second judge",
    "The same edits, read by a classifier of another seed and architecture that no method or control ever saw.",
)
ADDED = _percent("accuracy_added", "Accuracy, attribute added", "Only flips from 0 to 1.")
REMOVED = _percent("accuracy_removed", "Accuracy, attribute removed", "Only flips from 1 to 0.")
LEAKAGE = MeasureCard(
    "leakage",
    "Leakage",
    "% points",
    "Mean change of the judge's probability on the attributes that the flip did not touch.",
    "lower",
    factor=100.0,
)
L1_SOURCE = _l1("l1_source", "L1 to source", "Mean absolute change of the source; compare with the true edit.")
SSIM_SOURCE = MeasureCard(
    "ssim_source",
    "SSIM to source",
    "",
    "Similarity to the source; compare with the true edit.",
    digits=3,
    span=(0.0, 1.0),
)
PSNR_TRUE = MeasureCard(
    "psnr_true", "PSNR to truth", "dB", "Peak signal-to-noise ratio to the true edit.", "higher", digits=2
)
SSIM_TRUE = MeasureCard(
    "ssim_true", "SSIM to truth", "", "Structural similarity to the true edit.", "higher", digits=3, span=(0.0, 1.0)
)
L1_TRUE = _l1("l1_true", "L1 to truth", "Mean absolute difference to the true edit.", "lower")
L1_INSIDE = _l1("l1_true_inside", "L1 inside", "The same, where the true edit changes the image.", "lower")
L1_OUTSIDE = _l1("l1_true_outside", "L1 outside", "The same, where the true edit leaves the image.", "lower")
DIVERSITY = MeasureCard(
    "diversity", "Diversity", unit="", about="Mean pairwise feature distance of several edits of one image.", digits=2
)


_TO_VALUE = (
    "Images edited to a value against real images that have this value, weighted over both values. Real faces with a "
    "mustache are mostly men: an edit that moves such companions along can come closer than the true edit, so read "
    "this beside leakage."
)
_TO_DOMAIN = "All outputs of a conversion, several of each source, against all training images of the target domain."


def distances(features: str, conversions: bool = False) -> tuple[MeasureCard, MeasureCard, MeasureCard]:
    """Fréchet distance to the target images, to all test images, and the kernel distance.

    Args:
        features: the distance's name with its feature space, e.g. ``"FD (attribute features)"``.
        conversions: whether the edits turn one domain into another.
    """
    kernel = features.replace("FID", "KID").replace("FD", "KID")
    target = MeasureCard(
        "fd_target",
        f"{features}, target",
        unit="",
        about=_TO_DOMAIN if conversions else _TO_VALUE,
        better="lower",
        digits=2,
        distance=True,
    )
    paper = MeasureCard(
        "fd_paper",
        f"{features}, paper's protocol",
        unit="",
        about="Edited images against all real test images: it rewards doing nothing, as the row Identity shows.",
        better="lower",
        digits=2,
        distance=True,
    )
    kid = MeasureCard(
        "kid",
        kernel,
        unit="in thousandths",
        about="Unbiased kernel distance between the same images as the target distance, with its standard error.",
        better="lower",
        factor=1000.0,
        digits=2,
    )
    return target, paper, kid


def fitting(card: MeasureCard, measures: Iterable[Measure]) -> MeasureCard:
    """The card with digits that fit: feature spaces differ in scale.

    Where every value is below 1 there are digits enough for three figures; where one is above 10,000 there are none,
    and what a card prints in thousandths is printed as it is.
    """
    largest = max((abs(measure.value) for measure in measures if measure.value is not None), default=0.0) * card.factor
    if largest > 10_000:
        return replace(card, factor=1.0, unit="", digits=0) if card.factor == 1000.0 else replace(card, digits=0)
    if not 0.0 < largest < 1.0:
        return card
    return replace(card, digits=min(max(card.digits, 2 - floor(log10(largest))), 6))
