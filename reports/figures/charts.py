"""Charts as plain geometry for the templates: the trade-offs of the first page as points, trainings as curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, hypot, log10

from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.preservation import SSIM_SOURCE
from bridgebench.eval.records.record import MODES
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run

_LETTER, _LINE = 6.4, 13.0  # size of a letter of a label, in the chart's units
_PAD = 9.0


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, in the chart's units, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, linear or logarithmic, drawn from `start` to `end`."""

    title: str
    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value is drawn."""
        low, high, here = (
            (log10(one) for one in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        part = (here - low) / (high - low) if high > low else 0.5
        return self.start + part * (self.end - self.start)

    def ticks(self) -> list[Tick]:
        """Round values inside the axis: powers of ten, or steps of 1, 2 or 5."""
        if self.log:
            powers = [10.0**power for power in range(ceil(log10(self.low)), floor(log10(self.high)) + 1)]
            values = powers if len(powers) > 1 else [self.low, self.high]
        else:
            step = _step(self.high - self.low)
            values = [step * i for i in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)]
        return [Tick(self.at(value), f"{value:.4g}") for value in values]


@dataclass(frozen=True)
class Point:
    """What is drawn: its label, its values, and how it looks ("method" or "control", "label" or "reference")."""

    label: str
    x: float
    y: float
    kind: str
    mode: str
    link: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Placed:
    """A point in the chart's units, and its label beside it; no label where the same stands there already."""

    point: Point
    x: float
    y: float
    text: str
    text_x: float
    text_y: float
    anchor: str


@dataclass(frozen=True)
class Scatter:
    """A scatter chart."""

    title: str
    about: str
    facts: list[str]
    x: Axis
    y: Axis
    points: list[Placed]
    width: float
    height: float


def scatter(
    title: str,
    about: str,
    facts: list[str],
    x: tuple[str, float, float, bool],
    y: tuple[str, float, float, bool],
    points: Sequence[Point],
) -> Scatter:
    """Places points and their labels.

    Args:
        title, about, facts: over the chart.
        x, y: title, lowest and highest value of an axis, and whether it is logarithmic.
        points: inside the axes.
    """
    width, height = 560.0, 400.0
    across = Axis(x[0], x[1], x[2], 58.0, width - 14.0, x[3])
    up = Axis(y[0], y[1], y[2], height - 44.0, 14.0, y[3])
    placed = _labels([(point, across.at(point.x), up.at(point.y)) for point in points], width)
    return Scatter(title, about, facts, across, up, placed, width, height)


Box = tuple[float, float, float, float]


def _labels(points: Sequence[tuple[Point, float, float]], width: float) -> list[Placed]:
    """Each label to the right, left, above or below its point: where it covers least of points and other labels."""
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for _, x, y in points]
    placed: list[Placed] = []
    for point, x, y in points:
        same = any(hypot(x - one.x, y - one.y) < _PAD for one in placed if one.text == point.label)
        text = "" if same else point.label
        length = _LETTER * len(text)
        places = [
            (x + _PAD, y + 4, "start"),
            (x - _PAD, y + 4, "end"),
            *((x, y + sign * step, "middle") for step in (14, 27, 40) for sign in (-1, 1)),
        ]
        best = min(places, key=lambda place: _covered(_box(place, length), taken, width))
        taken.append(_box(best, length))
        placed.append(Placed(point, x, y, text, *best))
    return placed


def _box(place: tuple[float, float, str], length: float) -> Box:
    x, y, anchor = place
    left = {"start": x, "middle": x - length / 2, "end": x - length}[anchor]
    return left, y - _LINE + 3, left + length, y + 3


def _covered(box: Box, taken: Sequence[Box], width: float) -> float:
    outside = max(0.0, 60.0 - box[0]) + max(0.0, box[2] - width + 4)
    shared = 0.0
    for other in taken:
        across = min(box[2], other[2]) - max(box[0], other[0])
        up = min(box[3], other[3]) - max(box[1], other[1])
        shared += max(0.0, across) * max(0.0, up)
    return shared + 1000 * outside


@dataclass(frozen=True)
class Curve:
    """One loss over the iterations, as an SVG path with its axes."""

    title: str
    path: str
    x: Axis
    y: Axis
    width: float
    height: float
    last: str


def curve(title: str, iterations: Sequence[float], values: Sequence[float | None]) -> Curve | None:
    """A small chart of one curve, gaps left open; None where there are fewer than two points."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or iterations[-1] <= iterations[0]:
        return None
    width, height = 250.0, 150.0
    low, high = min(known), max(known)
    spread = (high - low) or abs(high) or 1.0
    x = Axis("iterations", iterations[0], iterations[-1], 44.0, width - 10.0)
    y = Axis(title, low - 0.04 * spread, high + 0.04 * spread, height - 24.0, 8.0)
    pieces: list[str] = []
    pen = "M"
    for iteration, value in zip(iterations, values, strict=True):
        if value is None:
            pen = "M"
        else:
            pieces.append(f"{pen}{x.at(iteration):.1f} {y.at(value):.1f}")
            pen = "L"
    return Curve(title, "".join(pieces), x, y, width, height, f"{known[-1]:.3g}")


def _step(span: float) -> float:
    """A round step that divides a span into three to six parts."""
    rough = (span or 1.0) / 4
    power = 10.0 ** floor(log10(rough))
    return power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough))


def tradeoffs(run: Run) -> list[Scatter]:
    """The charts for which there are at least two points."""
    return [chart for chart in (_preservation(run), _cost(run)) if chart is not None]


def _preservation(run: Run) -> Scatter | None:
    x, y = SECOND, SSIM_SOURCE
    points = [
        _point(run, results, name, 100 * across, up, f"{x.title} {x.text(across)} {x.unit}, {y.title} {y.text(up)}")
        for results in _modes(run)
        for name in results.rows
        if (across := _mean(results, name, x)) is not None and (up := _mean(results, name, y)) is not None
    ]
    if len(points) < 2:
        return None
    about = (
        f"Means over the {run.noun}s. The second judge decides, whom no method saw. Right is better; as high as the "
        "oracle is right: an edit has to change something."
    )
    lowest = min(point.y for point in points)
    return scatter(
        "Accuracy against preservation",
        about,
        [f"protocol {run.record.protocol_hash[:12]}"],
        (f"{x.title}, {x.unit}", -3.0, 103.0, False),
        (y.title, max(0.0, lowest - 0.08), 1.03, False),
        points,
    )


def _cost(run: Run) -> Scatter | None:
    modes, points = _modes(run), []
    card = modes[0].target
    for results in modes:
        for name in results.rows:
            cost, distance = run.costs.get((name, results.mode)), _mean(results, name, card)
            if cost is not None and cost.ms_per_image > 0 and distance is not None:
                hint = f"{cost.ms_per_image:.3g} ms an image, {card.title} {distance:.4g}"
                points.append(_point(run, results, name, cost.ms_per_image, distance, hint))
    if len(points) < 2:
        return None
    about = f"Means over the {run.noun}s, time on the machine named under Cost. Low and left is better."
    return scatter(
        "Cost against quality",
        about,
        [f"protocol {run.record.protocol_hash[:12]}"],
        ("ms an image", min(p.x for p in points) / 4, max(p.x for p in points) * 1.6, True),
        (card.title, 0.0, 1.06 * max(p.y for p in points), False),
        points,
    )


def _modes(run: Run) -> list[Results]:
    return [Results(run, run.record.protocol_hash, mode) for mode in MODES]


def _mean(results: Results, name: str, card: MeasureCard) -> float | None:
    return results.means(card)[0][name].value


def _point(run: Run, results: Results, name: str, x: float, y: float, hint: str) -> Point:
    method = run.record.methods[name]
    called = run.called(name)
    words = f"{called}, {MODE_TITLES[results.mode].lower()}: {hint}"
    return Point(called[:26], x, y, method.kind, results.mode, results.layout.method(name), words)
