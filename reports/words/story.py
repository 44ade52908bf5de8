"""What a comparison shows and what it does not, in sentences made from the records of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bridgebench.eval.measures.accuracy import ACCURACY, SECOND
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.counterfactual import SKILL, SKILL_L1
from bridgebench.eval.measures.leakage import LEAKAGE
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import MODES
from bridgebench.reports.paper.added import task_of
from bridgebench.reports.paper.order import agreement_words, chance_words, cheating_words, orders
from bridgebench.reports.paper.verdicts import STANDARDS, count_words, differences, measures_held, verdict_table
from bridgebench.reports.read.comparisons import Comparisons
from bridgebench.reports.read.ranks import beats
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import interval, printed_number
from bridgebench.reports.tables.variants import ablations_of, seeds_of
from bridgebench.reports.words.text import listed

TITLE = "What this comparison shows, and what it does not"
_EQUAL = 1.01  # budgets that are whole batches of different sizes differ by less


@dataclass(frozen=True)
class Story:
    """What a comparison shows, and what it does not show, as sentences."""

    shows: list[str]
    lacks: list[str]


def story(run: Run) -> Story | None:
    """The sentences; None where fewer than two methods were measured in every mode."""
    modes = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    modes = [results for results in modes if len(results.kind("method")) > 1]
    if not modes:
        return None
    found = orders(run)
    main = [order for order in found if order.card.key in (SECOND.key, "fd_paper") or order.mode is None]
    shows = [
        *(sentence for results in modes for sentence in leaders(results)),
        *(against_nothing(results, card) for results in modes for card in (SKILL, SKILL_L1)),
        *_beside(modes),
        *variant_words(modes),
        *agreement_words(main),
        _attack(modes),
        cheating_words(found, "Attack"),
    ]
    lacks = [run.untested, _data(modes), *_training(run), _resolution(modes)]
    if found:
        lacks.append(f"That an order beside the paper's is more than luck: {chance_words(found)}")
    return Story([one for one in [*shows, _ceiling(modes)] if one], [one for one in lacks if one])


def leaders(results: Results) -> list[str]:
    """Who is first by the second judge, at what leakage and with what skill, and which differences are real."""
    averages, used = results.means(SECOND)
    compared = results.compared(SECOND)
    rivals = [name for name in results.rivals if averages[name].value is not None]
    if len(rivals) < 2:
        return []
    first, *others = sorted(rivals, key=lambda name: averages[name].value or 0.0, reverse=True)
    where = MODE_TITLES[results.mode]
    beside = [
        f"{card.spoken} {_with_unit(card, value)}"
        for card in (LEAKAGE, faithful(results), results.target)
        if card is not None and (value := results.means(card)[0][first].value) is not None
    ]
    lead = f"{where}: {_called(results, first)} is first by the second judge, {_with_unit(SECOND, averages[first])}"
    if not all(used):
        lead += f" over {sum(used)} of {len(used)} {results.run.noun}s"
    told = [f"{lead} ({listed(beside)})." if beside else f"{lead}."]
    if compared is not None:
        told = [f"{told[0]} {_lead_words(results, compared, first, others)}", _pairs_words(results, rivals)]
    return [one for one in told if one]


def _lead_words(results: Results, compared: Comparisons, first: str, others: Sequence[str]) -> str:
    """Whether the first method's lead is real."""
    level = [name for name in others if compared.better(SECOND, first, name) == 0]
    if level:
        which = listed([f"{_called(results, name)} ({_difference(compared, SECOND, first, name)})" for name in level])
        return f"It is not told apart from {which}."
    nearest = f"{_called(results, others[0])}, {_difference(compared, SECOND, first, others[0])}"
    return f"Its lead over every other method is real (the nearest is {nearest})."


def _pairs_words(results: Results, rivals: Sequence[str]) -> str:
    """How many pairs of methods differ really, by measure, and which do not by the second judge."""
    parts, pairs = [], [*combinations(rivals, 2)]
    for card in (SECOND, LEAKAGE, faithful(results)):
        compared = None if card is None else results.compared(card)
        if card is not None and compared is not None:
            tested = [found for pair in pairs if (found := compared.between(*pair)) is not None]
            real = sum(found.real for found in tested)
            parts.append(f"{real} of {len(tested)} pairs in {card.spoken}")
    where = MODE_TITLES[results.mode]
    return f"{where}: the difference of two methods is real for {listed(parts)}." if parts and len(pairs) > 1 else ""


def against_nothing(results: Results, card: MeasureCard) -> str:
    """Which methods are farther from the true edit than the source is: their skill is below 0.

    Args:
        results: the cells of a mode.
        card: skill, or skill in L1.
    """
    if not results.has(card):
        return ""
    averages, compared = results.means(card)[0], results.compared(card)
    known = {name: value for name in results.rivals if (value := averages[name].value) is not None}
    if not known:
        return ""

    def side(name: str) -> int:
        if compared is not None and "identity" in results.rows:
            return compared.better(card, name, "identity")
        bounds = interval(averages[name])
        return 0 if bounds is None else (bounds[0] > 0) - (bounds[1] < 0)

    groups = {
        "farther from the truth than doing nothing": [name for name in known if side(name) < 0],
        "nearer to it": [name for name in known if side(name) > 0],
        "not told apart from doing nothing": [name for name in known if side(name) == 0],
    }
    parts = [
        f"{words}: {listed([f'{_called(results, name)} ({_signed(card, known[name])})' for name in names])}"
        for words, names in groups.items()
        if names
    ]
    rows = [
        f"{results.run.record.methods[name].title} has {_signed(card, value)}"
        for name in ("identity", "attack", "copy", "oracle")
        if name in results.rows and (value := averages[name].value) is not None
    ]
    every = "every method is " if len(groups["farther from the truth than doing nothing"]) == len(known) else ""
    scale = f" ({listed(rows)})" if rows else ""
    scale += ", in which changes too faint to be seen count in full" if card.key == SKILL_L1.key else ""
    return f"{MODE_TITLES[results.mode]}, by {card.spoken}{scale}: {every}{'; '.join(parts)}."


def faithful(results: Results) -> MeasureCard | None:
    """The measure of what an edit should have done: skill, where there are true edits, else identity."""
    keys = {card.key: card for card in results.cards("rest", "overview")}
    return next((keys[key] for key in ("skill", "identity") if key in keys and results.has(keys[key])), None)


def _difference(compared: Comparisons, card: MeasureCard, one: str, other: str) -> str:
    """``"by 0.6 points, −0.4 to 1.6"``: the difference and its 95 % interval."""
    found = compared.between(one, other)
    if found is None:
        return "not compared"
    value, low, high = (
        _signed(card, one) for one in (found.difference.value, found.difference.low, found.difference.high)
    )
    return f"by {value}{' points' if card.unit == '%' else _unit(card)}, {low} to {high}"


def _signed(card: MeasureCard, value: float) -> str:
    return printed_number(card.text(value))


def _unit(card: MeasureCard) -> str:
    return f" {card.unit.replace('% points', 'points')}" if card.unit else ""


def _with_unit(card: MeasureCard, measured: Measured | float) -> str:
    value = measured if isinstance(measured, float) else measured.value or 0.0
    return f"{_signed(card, value)}{_unit(card)}"


def _called(results: Results, name: str) -> str:
    return results.run.called(name)


def _attack(modes: Sequence[Results]) -> str:
    """A control that only fools the judge."""
    for results in modes:
        first, second = (results.means(card)[0].get("attack", Measured()).value for card in (ACCURACY, SECOND))
        if first is not None and second is not None:
            return (
                f"Accuracy by one judge can be bought: the control that follows its gradient gets "
                f"{ACCURACY.text(first)} %, and {SECOND.text(second)} % by the judge that no method saw."
            )
    return ""


def _ceiling(modes: Sequence[Results]) -> str:
    """Whether any system is ahead of the true edits: by paired tests, or by the numbers of a measure without tests."""
    ahead: list[str] = []
    behind: list[str] = []
    for results in modes:
        for card in filter(None, (SECOND, faithful(results), results.target, LEAKAGE)):
            averages = results.means(card)[0]
            truth = averages.get("oracle", Measured()).value
            names = [name for name in results.rivals if averages[name].value is not None]
            if truth is None or not names:
                continue
            better = beats(
                card, ["oracle", *names], [averages[name] for name in ["oracle", *names]], results.compared(card)
            )
            signs = [better(0, place) for place in range(1, len(names) + 1)]
            where = f"{card.spoken} {MODE_TITLES[results.mode].removeprefix('Edits ')}"
            if min(signs) < 0:
                ahead.append(where)
            elif min(signs) > 0:
                behind.append(where)
    if ahead:
        return f"A system is ahead of the true edits in {listed(ahead)}: read that measure beside the others."
    return f"The true edits lead every system in {listed(behind)}." if behind else ""


def _beside(modes: Sequence[Results]) -> list[str]:
    """How many cells agree with the paper's, where the two compare."""
    found = [
        (STANDARDS[file].number, verdict_table([task_of(results, file) for results in modes], file, card, "", ""))
        for file, card in measures_held(modes[0]).items()
    ]
    return [
        f"Beside the paper's Table {number}: of {words}."
        for number, table in found
        if table is not None and not (words := count_words(table)).startswith("0 ")
    ]


def _data(modes: Sequence[Results]) -> str:
    run = modes[0].run
    apart = {STANDARDS[file].number: differences(run, file) for file in measures_held(modes[0])}
    reasons = list(dict.fromkeys(reason for found in apart.values() for reason in found))
    if not reasons:
        return ""
    drawn = (run.record.protocol.get("data") or {}).get("preparation") is None
    kind = "the images are drawn, not photos; " if drawn else ""
    tables = [name for name, found in apart.items() if found]
    which = "" if len(tables) == len(apart) else f" of Table {listed(tables)}"
    told = f"{kind}{listed(reasons)} keep them apart"
    return f"How ours stand to the paper's numbers{which}: {told}. Only orders are compared{' there' if which else ''}."


def _training(run: Run) -> list[str]:
    """How long the systems were trained, and how often."""
    methods = [method for method in run.record.methods.values() if method.kind == "method" and method.weights]
    cards = [method.weights.card or {} for method in methods if method.weights]
    known = [(card.get("images_seen"), _minutes(card)) for card in cards]
    said = [(seen, time) for seen, time in known if isinstance(seen, int) and time is not None]
    sizes = [method.parameters / 1e6 for method in methods if method.parameters]
    if not (said and sizes):
        return []
    images, minutes = zip(*said, strict=True)
    equal = max(images) <= _EQUAL * min(images)
    share = f"as many images each ({_span(images)})" if equal else f"{_span(images)} images each"
    whose = "" if len(said) == len(methods) else f" ({len(said)} of {len(methods)}: the others' cards do not say)"
    told = [
        f"Which method is best: the tables rank these weights, networks of {_span(sizes, 1)} million parameters, "
        f"trained on {share}{whose}. The compute was not equal: {_span(minutes)} minutes of one process, "
        f"{max(minutes) / min(minutes):.1f} times as long for the longest as for the shortest."
        if max(minutes) > _EQUAL * min(minutes) > 0
        else f"Which method is best: the tables rank these weights, networks of {_span(sizes, 1)} million parameters, "
        f"trained on {share}{whose}, for {_span(minutes)} minutes of one process."
    ]
    if not run.record.profile.get("variants"):  # among them are trainings with other seeds
        told.append(
            "What another training gives: each system is here by the weights of one training, and another seed may "
            "change the order."
        )
    return told


def _minutes(card: Mapping[str, Any]) -> float | None:
    """Minutes of training, summed over the processes that trained together; None if the card does not say."""
    minutes, together = card.get("training_minutes"), card.get("processes", 1)
    return minutes * together if isinstance(minutes, int | float) and isinstance(together, int) else None


def _span(values: Sequence[float], digits: int = 0) -> str:
    low, high = (f"{value:,.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _resolution(modes: Sequence[Results]) -> str:
    """How near two systems may be before they tie."""
    averages = [results.means(SECOND)[0][name] for results in modes for name in results.kind("method")]
    halves = [(one.high - one.low) / 2 for one in averages if one.low is not None and one.high is not None]
    sizes = [one.n for one in averages if one.n is not None]
    if not halves or not sizes:
        return ""
    outputs = modes[0].run.record.protocol.get("outputs")
    edits = f"{outputs} edits each of {_span(sizes)} sources" if outputs else f"{_span(sizes)} edits"
    return (
        f"Small differences: with {edits} a cell, mean accuracies by the second judge are known to about ± "
        f"{SECOND.text(max(halves))} points. Differences on the same images are known better. Fréchet distances "
        "have neither an interval nor a test."
    )


def variant_words(modes: Sequence[Results]) -> list[str]:
    """By mode and method that was trained with several seeds: the range of its accuracy by the second judge, and which
    ablation leaves it.

    An ablation leaves the range if its whole confidence interval lies outside: chance differences between test images
    or seeds are not called an effect.
    """
    return [
        _variant_sentence(results, name, seeds)
        for results in modes
        for name, seeds in _seed_accuracies(results).items()
    ]


def _seed_accuracies(results: Results) -> dict[str, list[float]]:
    """By method, the accuracies of its trainings with different seeds, where all of them were measured."""
    averages = results.means(SECOND)[0]
    found = {
        name: [averages[one].value for one in names] for name, names in seeds_of(results.run, results.mode).items()
    }
    return {name: [v for v in values if v is not None] for name, values in found.items() if None not in values}


def _variant_sentence(results: Results, name: str, seeds: Sequence[float]) -> str:
    averages, of = results.means(SECOND)[0], results.run.record.methods
    low, high = min(seeds), max(seeds)
    others = ablations_of(results.run, results.mode).get(name, [])
    measured = {other: value for other in others if (value := averages[other].value) is not None}
    outside = [
        f"{of[other].title} ({SECOND.text(value)} %)"
        for other, value in measured.items()
        if _beyond(averages[other], value, low, high)
    ]
    said = (
        f"{MODE_TITLES[results.mode]}: {len(seeds)} trainings of {of[name].title} that differ in their seed alone have "
        f"accuracies by the second judge of {SECOND.text(low)} to {SECOND.text(high)} %"
    )
    if not measured:
        return f"{said}."
    if not outside:
        return f"{said}; no ablation ({len(measured)} measured) lies clearly outside, so none has shown an effect."
    rest = len(measured) - len(outside)
    inside = f"; the other {rest} may be luck" if rest else ""
    return f"{said}; of the ablations ({len(measured)} measured), clearly outside are {listed(outside)}{inside}."


def _beyond(measure: Measured, value: float, low: float, high: float) -> bool:
    """Whether all of a measure's interval (or its value, if it has none) is outside a range."""
    first, last = interval(measure) or (value, value)
    return last < low or first > high
