"""Curves of a run: accuracy over the number of flips, and accuracy against leakage along strength and mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridgebench.reports.figures.charts import Axis
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.tables.kinds import names_of, other

_SHADES = 8  # colours of the style sheet
_LONGEST = 26  # letters of a name
_NAMES = 172.0  # how wide the names at the right are, in the chart's units
_LINE = 13.0  # height of a name, in the chart's units


@dataclass(frozen=True)
class Line:
    """A method's curve in the chart's units: an SVG path, its points with what they say, and the name at its end."""

    title: str
    path: str
    points: list[tuple[float, float, str]]
    end: tuple[float, float]
    shade: int
    control: bool


@dataclass(frozen=True)
class LineChart:
    """Curves over common axes."""

    title: str
    about: str
    facts: list[str]
    x: Axis
    y: Axis
    lines: list[Line]
    width: float
    height: float


def line_charts(modes: Sequence[Results]) -> list[LineChart]:
    """The charts that have at least one curve of two points."""
    made = [make(results) for results in modes for make in (_over_k, _along_strength, _along_mix)]
    return [chart for chart in made if chart is not None]


def _over_k(results: Results) -> LineChart | None:
    """The share of edits in which all k flips are right, over k."""
    names = {int(name.split("-")[0]): name for name in names_of(results, "several") if name[0].isdigit()}
    series = {
        row: [
            (float(k), 100 * value, f"{k} flips: {100 * value:.1f} %")
            for k, name in sorted(names.items())
            if (value := other(results, row, name, "accuracy_joint_second").value) is not None
        ]
        for row in results.rows
    }
    about = "Share of edits in which the second judge reads all flipped attributes as asked for."
    return _chart(results, "Several at once", about, ("flips at once", "right, %"), series)


def _along_strength(results: Results) -> LineChart | None:
    about = (
        "Accuracy by the second judge against leakage, from a part of the method's default strength to more. At equal "
        "leakage, that is on a vertical line, the higher curve is better."
    )
    return _chart(results, "Along the strength", about, ("leakage, points", "right, %"), _steps(results, "strength"))


def _along_mix(results: Results) -> LineChart | None:
    about = "The same on the way from the edit by reference to the edit by label, for methods that can mix the two."
    return _chart(results, "From reference to label", about, ("leakage, points", "right, %"), _steps(results, "way"))


def _steps(results: Results, kind: str) -> dict[str, list[tuple[float, float, str]]]:
    series: dict[str, list[tuple[float, float, str]]] = {}
    for name in names_of(results, kind):  # type: ignore[arg-type]
        for row in results.rows:
            right, leaked = (other(results, row, name, key).values for key in ("accuracy_second", "leakage"))
            series[row] = [
                (100 * moved, 100 * value, f"at {step}: {100 * value:.1f} % right, leakage {100 * moved:.1f} points")
                for step, value in sorted(right.items(), key=lambda item: float(item[0]))
                if value is not None and (moved := leaked.get(step)) is not None
            ]
    return series


def _chart(
    results: Results,
    title: str,
    about: str,
    axes: tuple[str, str],
    series: dict[str, list[tuple[float, float, str]]],
) -> LineChart | None:
    drawn = {name: points for name, points in series.items() if len(points) > 1}
    if not drawn:
        return None
    width, height = 600.0, 360.0
    xs = [x for points in drawn.values() for x, _, _ in points]
    low, high = min(xs), max(xs)
    x = Axis(axes[0], min(low, 0.0) if "leakage" in axes[0] else low, max(high, low + 1), 58.0, width - _NAMES)
    y = Axis(axes[1], 0.0, 102.0, height - 44.0, 14.0)
    records, lines = results.run.record.methods, []
    ends = _spread({name: y.at(points[-1][1]) + 4 for name, points in drawn.items()}, height - 44.0)
    for number, (name, points) in enumerate(drawn.items()):
        placed = [(x.at(a), y.at(b), f"{results.run.called(name)}, {hint}") for a, b, hint in points]
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b, _ in placed)
        control = records[name].kind == "control"
        end = (width - _NAMES + 8.0, ends[name])
        lines.append(Line(results.run.called(name)[:_LONGEST], path, placed, end, number % _SHADES, control))
    facts = [MODE_TITLES[results.mode].lower(), f"protocol {results.hash[:12]}"]
    return LineChart(f"{title}, {MODE_TITLES[results.mode].lower()}", about, facts, x, y, lines, width, height)


def _spread(ends: dict[str, float], lowest: float) -> dict[str, float]:
    """The heights of the names at the curves' ends, moved so that none covers another."""
    found: dict[str, float] = {}
    above = 0.0
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        above = found[name] = max(end, above + _LINE)
    below = lowest + _LINE
    for name in reversed(found):
        below = found[name] = min(found[name], below - _LINE)
    return found
