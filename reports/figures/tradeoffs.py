"""Two charts of the first page: accuracy against preservation, and cost against the distance to real images."""

from __future__ import annotations

from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.fd import FD_TARGET
from bridgebench.eval.measures.preservation import SSIM_SOURCE
from bridgebench.eval.records.record import MODES
from bridgebench.reports.figures.charts import Point, Scatter, scatter
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run


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
    card = modes[0].card(FD_TARGET)
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
    words = f"{method.title}, {MODE_TITLES[results.mode].lower()}: {hint}"
    return Point(method.title[:24], x, y, method.kind, results.mode, results.layout.method(name), words)
