"""Tables as plain data: rows of methods, controls set apart, and the details of each printed cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import floor, fsum, log10
from statistics import fmean
from typing import Literal

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.reports.read.comparisons import Comparisons
from bridgebench.reports.read.ranks import Pairs

SHADES = 8
DASH = "\N{EN DASH}"
Mark = Literal["best", "tie", "lowest", "real"]  # real: a difference that is more than chance
Verdict = Literal["agrees", "higher", "lower"]


@dataclass(frozen=True)
class TableCell:
    """One printed cell.

    Attributes:
        text, small, hint: the value, the small print under it, the sentence shown on hover.
        shade: 0..SHADES, stronger is better.
        mark, note: its mark among the compared methods; the number of its footnote.
        span, link: how many columns it spans; the page that its value links to, inside the page's folder.
        numbers: ``value``, ``low``, ``high``, ``se`` in the printed unit, ``n``, ``n_real``; if compared with the
            paper, also ``paper`` and ``difference`` (ours minus the paper's).
        verdict: how our value compares with the paper's (`reports.paper.verdicts`).
    """

    text: str
    small: str = ""
    hint: str = ""
    shade: int | None = None
    mark: Mark | None = None
    note: int | None = None
    span: int = 1
    link: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Row:
    """A method, a control or a baseline; `link` is the page that its title links to."""

    title: str
    cells: list[TableCell]
    about: str = ""
    link: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that belong together; a `title` that is not empty is printed above; `apart`: not compared with the first."""

    title: str
    rows: list[Row]
    apart: bool = False


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column; `link` is the page that it links to."""

    title: str
    small: str = ""
    link: str = ""


@dataclass
class Table:
    """A table with everything a reader needs to judge it.

    Attributes:
        key, about: its anchor on the page; a sentence about its content.
        facts: N, protocol, unit and direction, printed in the table's head.
        notes: why values are missing, numbered from 1.
        kind: what the marks mean: best by paired tests, lowest without interval, the paper's numbers, or no marks.
        corner: what the rows are.
    """

    key: str
    title: str
    about: str
    facts: list[str]
    heads: list[ColumnHead]
    groups: list[Group]
    notes: list[str] = field(default_factory=list)
    kind: Literal["interval", "distance", "published", "plain"] = "interval"
    corner: str = "Method"


class Notes:
    """Numbers the reasons for missing values; the same reason gets one number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        """The footnote's number, from 1."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def missing(reason: str) -> Measured:
    """A measure without a value."""
    return Measured(value=None, reason=reason)


def mean(measures: Sequence[Measured], used: Sequence[bool], noun: str = "attribute") -> Measured:
    """The mean over attributes (or conversions); of a ratio of sums the ratio of all, without an interval.

    All cells of a row are edits of the same images, so the bounds of the intervals (and the standard errors) are
    averaged directly: this interval is never too narrow, however strongly the attributes depend on each other.

    Args:
        measures, noun: one measure per column; what a column is.
        used: which attributes count: all for which the table has any value.
    """
    chosen = [measure for measure, use in zip(measures, used, strict=True) if use]
    gaps = [measure.reason or "not measured" for measure in chosen if measure.value is None]
    if gaps or not chosen:
        count = f"{len(gaps)} of {len(chosen)} {noun}s" if chosen else f"every {noun}"
        return missing(f"no mean, {count} without a value: {'; '.join(dict.fromkeys(gaps)) or 'not measured'}")
    sizes = [measure.n for measure in chosen if measure.n is not None]
    n = sizes[0] if len(sizes) == len(chosen) and len(set(sizes)) == 1 else None
    units = [measure.unit * measure.n for measure in chosen if measure.unit is not None and measure.n is not None]
    if len(units) == len(chosen):
        # fsum: since Python 3.12 sum() rounds differently, and a page must not depend on the Python that makes it.
        total = fsum(units)
        value = fsum((measure.value or 0.0) * unit for measure, unit in zip(chosen, units, strict=True)) / total
        return Measured(value=value, n=n, unit=total / sum(sizes))
    return Measured(
        value=_average(measure.value for measure in chosen),
        low=_average(measure.low for measure in chosen),
        high=_average(measure.high for measure in chosen),
        se=_average(measure.se for measure in chosen),
        n=n,
    )


def _average(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else fmean(v for v in known if v is not None)


def interval(measure: Measured) -> tuple[float, float] | None:
    """The 95 % interval: as recorded, or 1.96 standard errors to either side; None if there is neither."""
    if measure.value is None:
        return None
    if measure.low is not None and measure.high is not None:
        return measure.low, measure.high
    if measure.se is not None:
        return measure.value - 1.96 * measure.se, measure.value + 1.96 * measure.se
    return None


def marks(card: MeasureCard, column: Mapping[str, Measured], compared: Comparisons | None = None) -> dict[str, Mark]:
    """The marks of the methods in a column.

    The best value is ``"best"`` only if its difference to each other one is real; else it and all values that are not
    told apart from it are a ``"tie"``. Without tests nothing is marked. A Fréchet distance has no test: the smallest
    one is marked ``"lowest"``, and only at equal N.
    """
    found = {name: measure for name, measure in column.items() if measure.value is not None}
    if card.better is None or len(found) < 2:
        return {}
    sign = 1 if card.better == "higher" else -1
    best = max(found, key=lambda name: sign * (found[name].value or 0.0))
    if card.distance:
        printed = {name: card.text(measure.value or 0.0) for name, measure in found.items()}
        equal_n = len({(measure.n, measure.n_real) for measure in found.values()}) == 1
        return {name: "lowest" for name in found if printed[name] == printed[best]} if equal_n else {}
    if compared is None:
        return {}
    level = [name for name in found if name == best or compared.better(card, best, name) == 0]
    return {best: "best"} if len(level) == 1 else dict.fromkeys(level, "tie")


def shade(card: MeasureCard, value: float, span: tuple[float, float]) -> int | None:
    """The shade of a cell, 0..SHADES: stronger is better; None if neither direction is better."""
    if card.better is None:
        return None
    low, high = span
    part = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 1.0
    return round(SHADES * (part if card.better == "higher" else 1 - part))


def span_of(card: MeasureCard, measures: Iterable[Measured]) -> tuple[float, float]:
    """The range that shading covers: the measure's own, or 0 to the largest value, so that shades are in proportion."""
    values = [measure.value for measure in measures if measure.value is not None]
    return card.span or (0.0, max(values, default=1.0))


def fitting(card: MeasureCard, measures: Iterable[Measured]) -> MeasureCard:
    """The card with a suitable number of digits, because feature spaces differ in scale.

    A measure with a natural range keeps its own digits.

    If every value is below 1, there are enough digits for three figures. If a value is above 10,000, there are no
    decimals, and a measure that the card prints in thousandths is printed unscaled.
    """
    if card.span is not None:
        return card
    largest = max((abs(measure.value) for measure in measures if measure.value is not None), default=0.0) * card.factor
    if largest > 10_000:
        return replace(card, factor=1.0, unit="", digits=0) if card.factor == 1000.0 else replace(card, digits=0)
    if not 0.0 < largest < 1.0:
        return card
    return replace(card, digits=min(max(card.digits, 2 - floor(log10(largest))), 6))


def print_cell(
    card: MeasureCard,
    measure: Measured,
    notes: Notes,
    span: tuple[float, float] | None = None,
    mark: Mark | None = None,
    link: str = "",
) -> TableCell:
    """The printed cell of a measure; if missing, a dash with the reason as a footnote; shaded if `span` is given."""
    if measure.value is None:
        reason = measure.reason or "not measured"
        return TableCell(DASH, hint=reason, note=notes.number(reason), link=link)
    text, limits = printed_number(card.text(measure.value)), interval(measure)
    words, small = [f"{text} {card.unit}".strip()], ""
    if limits and measure.se is not None:
        error = card.text(measure.se)
        words, small = [*words, f"standard error {error}"], f"± {error}"
    elif limits:
        low, high = (printed_number(card.text(limit)) for limit in limits)
        # A dash beside a minus sign is hard to read.
        small = f"{low} to {high}" if limits[0] < 0 else f"{low}{DASH}{high}"
        words = [*words, f"95 % interval {low} to {high}"]
    if measure.n is not None:
        words.append(f"N = {measure.n:,}" + (f" against {measure.n_real:,} real" if measure.n_real else ""))
    if measure.differing:
        words.append(f"the matched images differ in {measure.differing:.2f} labels on average")
    if mark:
        words.append({"best": "best", "tie": "not told apart from the best", "lowest": "lowest", "real": "real"}[mark])
    shading = None if span is None else shade(card, measure.value, span)
    return TableCell(text, small, ", ".join(words), shading, mark, link=link, numbers=numbers_of(card, measure))


def count_cell(number: int, small: str = "") -> TableCell:
    """The printed cell of a count, with `small` under it."""
    return TableCell(str(number), small, numbers={"value": number})


def pairs_cells(pairs: Pairs) -> list[TableCell]:
    """Four cells: the pairs of systems alike, opposite and tied, and Kendall's tau."""
    counts = [count_cell(count) for count in (pairs.alike, pairs.opposite, pairs.tied)]
    return [*counts, TableCell(printed_number(f"{pairs.tau:.2f}"), numbers={"value": pairs.tau})]


def printed_number(text: str) -> str:
    """The number with a true minus sign; a value that is rounded to zero has none."""
    return text.replace("-", "\N{MINUS SIGN}") if text.strip("-0.") else text.lstrip("-")


def numbers_of(card: MeasureCard, measure: Measured) -> dict[str, float]:
    """The measured numbers in the printed unit."""
    scaled = {name: getattr(measure, name) for name in ("value", "low", "high", "se")}
    found = {name: number * card.factor for name, number in scaled.items() if number is not None}
    return found | {name: getattr(measure, name) for name in ("n", "n_real") if getattr(measure, name) is not None}


def count_text(measures: Iterable[Measured]) -> str:
    """``"N = 500"``, or the range if cells differ."""
    sizes = sorted({measure.n for measure in measures if measure.n is not None})
    if not sizes:
        return "N unknown"
    return f"N = {sizes[0]:,}" if len(sizes) == 1 else f"N = {sizes[0]:,} to {sizes[-1]:,}"
