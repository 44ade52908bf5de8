"""What seeds and ablations show, in sentences: whether leaving out a part does more than another seed."""

from __future__ import annotations

from collections.abc import Sequence

from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.eval.records.measured import Measure
from bridgebench.reports.paper.order_words import listed
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.tables.tables import interval
from bridgebench.reports.tables.variants import ablations_of, seeds_of


def variant_words(modes: Sequence[Results]) -> list[str]:
    """By mode and method that was trained with several seeds: the range of its accuracy, and which ablation leaves it.

    One does if its whole confidence interval lies outside: what test images and seeds do by chance is not told as an
    effect.
    """
    return [_sentence(results, name, seeds) for results in modes for name, seeds in _seeds(results).items()]


def _seeds(results: Results) -> dict[str, list[float]]:
    """By method, the accuracies of its trainings with different seeds, where all of them were measured."""
    averages = results.means(ACCURACY)[0]
    found = {
        name: [averages[one].value for one in names] for name, names in seeds_of(results.run, results.mode).items()
    }
    return {name: [v for v in values if v is not None] for name, values in found.items() if None not in values}


def _sentence(results: Results, name: str, seeds: Sequence[float]) -> str:
    averages, of = results.means(ACCURACY)[0], results.run.record.methods
    low, high = min(seeds), max(seeds)
    others = ablations_of(results.run, results.mode).get(name, [])
    measured = {other: value for other in others if (value := averages[other].value) is not None}
    outside = [
        f"{of[other].title} ({ACCURACY.text(value)} %)"
        for other, value in measured.items()
        if _beyond(averages[other], value, low, high)
    ]
    said = (
        f"{MODE_TITLES[results.mode]}: {len(seeds)} trainings of {of[name].title} that differ in their seed alone have "
        f"accuracies of {ACCURACY.text(low)} to {ACCURACY.text(high)} %"
    )
    if not measured:
        return f"{said}."
    if not outside:
        return f"{said}; no ablation ({len(measured)} measured) lies clearly outside, so none has shown an effect."
    rest = len(measured) - len(outside)
    inside = f"; the other {rest} may be luck" if rest else ""
    return f"{said}; of the ablations ({len(measured)} measured), clearly outside are {listed(outside)}{inside}."


def _beyond(measure: Measure, value: float, low: float, high: float) -> bool:
    """Whether all of a measure's interval (or its value, if it has none) is outside a range."""
    first, last = interval(measure) or (value, value)
    return last < low or first > high
