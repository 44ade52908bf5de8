"""The few lines that end `bridgebench benchmark`."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Any

from bridgebench.eval.measures import shown
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.processes.terminal import text_table

_Weighted = tuple[float, float]  # a value, and how much it counts: a ratio by what its amounts are held against


def summary_lines(run: RunDirectory, participants: Sequence[Participant]) -> list[str]:
    """A table of means over the attributes, one row per method and mode; of a ratio of sums, the ratio over all.

    A measure that no cell has gets no column. A method has a dash where its cells lack the measure, and where it has
    fewer values than another method (it skips attributes, or some of its cells failed), because the two means cannot be
    compared.
    """
    cards = shown("terminal", among=run.read_run().cards)
    partial: dict[tuple[str, str], str] = {}
    means: dict[tuple[str, str], dict[str, list[_Weighted]]] = {}
    for cell in run.cells():
        if cell.kind != "flip":  # means are over attributes or conversions
            continue
        measures = means.setdefault((cell.mode, cell.method), {})
        if cell.reason:
            partial[cell.mode, cell.method] = cell.reason
        for card in cards:
            found = cell.measures.get(card.key)
            if found is not None and found.value is not None:
                weight = found.unit * found.n if found.unit is not None and found.n is not None else 1.0
                measures.setdefault(card.key, []).append((found.value, weight))
    # A measure that no cell has (photos have no true edits) gets no column.
    names = [card.key for card in cards if any(card.key in measures for measures in means.values())]
    rows: list[tuple[Any, ...]] = []
    notes = [f"No means: {reason}." for reason in sorted(set(partial.values()))]
    for mode in ("label", "reference"):
        of_mode = [found for (other, _), found in means.items() if other == mode]
        most = {name: max((len(found.get(name, ())) for found in of_mode), default=0) for name in names}
        for participant in participants:
            own = means.get((mode, participant.name))
            if own is None:
                continue
            whole = {name: values for name, values in own.items() if len(values) == most[name]}
            if len(whole) < len(own) and (mode, participant.name) not in partial:
                counted = min(len(values) for name, values in own.items() if name not in whole)
                notes.append(
                    f"No mean: {participant.card.title} by {mode} has {counted} of {max(most.values())} values."
                )
            rows.append((mode, participant.card.title, *(_mean(whole.get(name)) for name in names)))
    return ["", *text_table(("mode", "method", *names), rows).splitlines(), *notes, ""]


def _mean(values: list[_Weighted] | None) -> str:
    if not values:
        return "-"
    return f"{fsum(value * weight for value, weight in values) / fsum(weight for _, weight in values):.3g}"
