"""What a comparison shows and what it does not, in sentences made from the records of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridgebench.reports.paper.order import orders
from bridgebench.reports.paper.order_words import agreement_words, chance_words, cheating_words, listed, measure_words
from bridgebench.reports.paper.published import tables_beside
from bridgebench.reports.paper.verdicts import count_words, differences, verdict_table
from bridgebench.reports.read.records import MODES, Measure
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables import measures as m
from bridgebench.reports.tables.measures import MeasureCard
from bridgebench.reports.tables.tables import marks
from bridgebench.reports.words.variants import variant_words

TITLE = "What this comparison shows, and what it does not"
_EQUAL = 1.01  # budgets that are whole batches of different sizes differ by less


@dataclass(frozen=True)
class Story:
    """Sentences for either side."""

    shows: list[str]
    lacks: list[str]


def story(run: Run) -> Story | None:
    """The sentences; None where fewer than two methods were measured in every mode."""
    modes = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    modes = [results for results in modes if len(results.kind("method")) > 1]
    if not modes:
        return None
    found = orders(run)
    main = [order for order in found if order.card.key in ("accuracy", "fd_paper") or order.mode is None]
    shows = [
        *map(_leaders, modes),
        *_beside(modes),
        *variant_words(modes),
        *agreement_words(main),
        _attack(modes),
        cheating_words(found, "Attack"),
    ]
    lacks = [_data(run), *_training(run), _resolution(modes)]
    if found:
        lacks.append(f"That an order is more than luck: {chance_words(found)}")
    return Story([one for one in [*shows, _ceiling(modes)] if one], [one for one in lacks if one])


def _leaders(results: Results) -> str:
    """Who is ahead in the main measures of a mode."""
    target = m.distances(results.run.record.features.title, results.run.conversions)[0]
    told = (
        (m.ACCURACY, "accuracy is highest with"),
        (target, "distance to the target's images is smallest with"),
        (m.LEAKAGE, "leakage is least with"),
    )
    parts = []
    for card, words in told:
        averages = results.means(card)[0]
        column = {name: averages[name] for name in results.kind("method")}
        first = sorted(marks(card, column), key=lambda name: column[name].value or 0.0, reverse=card.better == "higher")
        if first:
            titles = listed([results.run.record.methods[name].title for name in first])
            parts.append(f"{words} {titles} ({_range(card, [column[name] for name in first])})")
    return f"{MODE_TITLES[results.mode]}: {'; '.join(parts)}." if parts else ""


def _range(card: MeasureCard, measures: Sequence[Measure]) -> str:
    texts = [card.text(value) for value in sorted(one.value or 0.0 for one in measures)]
    unit = f" {card.unit.replace('% points', 'points')}" if card.unit else ""
    return f"{texts[0]}{unit}" if len(texts) == 1 else f"a tie, {texts[0]} to {texts[-1]}{unit}"


def _attack(modes: Sequence[Results]) -> str:
    """A control that only fools the judge."""
    for results in modes:
        first, second = (results.means(card)[0].get("attack", Measure()).value for card in (m.ACCURACY, m.SECOND))
        if first is not None and second is not None:
            return (
                f"Accuracy by one judge can be bought: the control that follows its gradient gets "
                f"{m.ACCURACY.text(first)} %, and {m.SECOND.text(second)} % by the judge that no method saw."
            )
    return ""


def _ceiling(modes: Sequence[Results]) -> str:
    """Whether any system is ahead of the true edits."""
    ahead: list[str] = []
    behind: list[str] = []
    for results in modes:
        target = m.distances(results.run.record.features.title, results.run.conversions)[0]
        for card in (m.SECOND, target, m.LEAKAGE):
            averages = results.means(card)[0]
            truth = averages.get("oracle", Measure()).value
            values = [value for name in results.kind("method") if (value := averages[name].value) is not None]
            if truth is None or not values:
                continue
            leads = max(values) <= truth if card.better == "higher" else min(values) >= truth
            if leads:
                behind.append(measure_words(card))
            else:
                ahead.append(f"{measure_words(card)} {MODE_TITLES[results.mode].removeprefix('Edits ')}")
    if ahead:
        return f"A system is ahead of the true edits in {listed(ahead)}: read that measure beside the others."
    return f"The true edits lead every system in {listed([*dict.fromkeys(behind)])}." if behind else ""


def _beside(modes: Sequence[Results]) -> list[str]:
    """How many cells agree with the paper's, where the two compare."""
    run = modes[0].run
    target, whole, _ = m.distances(run.record.features.title, run.conversions)
    held = [
        ("1", "table1_accuracy_celeba", m.ACCURACY),
        ("2", "table2_fid_celeba", whole),
        ("3", "table3_fid_afhq", target),
    ]
    beside = tables_beside(run)
    found = [(number, verdict_table(modes, file, card, "", "")) for number, file, card in held if file in beside]
    return [
        f"Beside the paper's Table {number}: of {words}."
        for number, table in found
        if table is not None and not (words := count_words(table)).startswith("0 ")
    ]


def _data(run: Run) -> str:
    apart = {file.removeprefix("table")[0]: differences(run, file) for file in tables_beside(run)}
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
    budget = "on equal budgets" if max(images) <= _EQUAL * min(images) else "not on equal budgets"
    whose = "" if len(said) == len(methods) else f" ({len(said)} of {len(methods)}: the others' cards do not say)"
    told = [
        f"Which method is best: the tables rank these weights, networks of {_span(sizes, 1)} million parameters, "
        f"trained for {_span(minutes)} minutes of one process on {_span(images)} images each, {budget}{whose}."
    ]
    if not run.record.profile.get("variants"):  # among them are trainings with other seeds
        told.append(
            "What another training gives: each system is here by the weights of one training, and another seed may "
            "change the order."
        )
    return told


def _minutes(card: Mapping[str, Any]) -> float | None:
    """Of all processes that trained together; None if the card does not say."""
    minutes, together = card.get("training_minutes"), card.get("processes", 1)
    return minutes * together if isinstance(minutes, int | float) and isinstance(together, int) else None


def _span(values: Sequence[float], digits: int = 0) -> str:
    low, high = (f"{value:,.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _resolution(modes: Sequence[Results]) -> str:
    """How near two systems may be before they tie."""
    averages = [results.means(m.ACCURACY)[0][name] for results in modes for name in results.kind("method")]
    halves = [(one.high - one.low) / 2 for one in averages if one.low is not None and one.high is not None]
    sizes = [one.n for one in averages if one.n is not None]
    if not halves or not sizes:
        return ""
    outputs = modes[0].run.record.protocol.get("outputs")
    edits = f"{outputs} edits each of {_span(sizes)} sources" if outputs else f"{_span(sizes)} edits"
    return (
        f"Small differences: with {edits} a cell, mean accuracies are known to about ± "
        f"{m.ACCURACY.text(max(halves))} points (those whose intervals meet are tied), and Fréchet distances have no "
        "interval at all."
    )
