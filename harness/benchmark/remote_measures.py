"""The measures of plug-ins as a worker sees them: cards whose functions are called in processes of their own.

A measure that raises an error, dies, takes too long or gives no sound numbers loses its own number of the cell, and
nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from bridgebench.eval.measures.card import Edits, MeasureCard, MeasureFailed, Record, Values
from bridgebench.eval.measures.own import OwnMeasure
from bridgebench.eval.records.measured import Measured
from bridgebench.harness.benchmark.failures import TOO_LONG, PluginFailed
from bridgebench.harness.benchmark.foreign import ForeignProcess
from bridgebench.harness.benchmark.packed_edits import packed

_LONGEST_REASON = 300
_MOST_NAMES = 1000  # of a record's values


class RemoteMeasures:
    """The measures of plug-ins that a run takes, each loaded anew for every cell.

    Args:
        measures: the measures.
        time_limit: most seconds that loading one, and every call of its function, may take.
    """

    def __init__(self, measures: Sequence[OwnMeasure], time_limit: float) -> None:
        self._limit = time_limit
        self._processes: dict[str, ForeignProcess] = {}
        self._too_long: dict[str, str] = {}
        self.cards: list[MeasureCard] = [self._card(measure) for measure in measures]

    def end(self) -> None:
        """Ends the processes of the measures, after a cell."""
        while self._processes:
            self._processes.popitem()[1].end()

    def _card(self, measure: OwnMeasure) -> MeasureCard:
        if measure.record.function == "of_images":
            return replace(measure.card, of_images=partial(self._of_images, measure))
        return replace(measure.card, of_cell=partial(self._of_cell, measure))

    def _of_images(self, measure: OwnMeasure, source: NDArray, edited: NDArray, truth: NDArray | None = None) -> Values:
        arrays = {"source": source, "edited": edited} | ({} if truth is None else {"truth": truth})
        found = self._ask(measure, {"do": "of_images"}, arrays, len(edited))
        wanted = (len(edited), 2) if measure.record.against else (len(edited),)
        if not isinstance(found, np.ndarray) or found.shape != wanted:
            raise MeasureFailed(f"the measure gave {_said(found)} for {len(edited)} edits: {wanted} is wanted")
        return found

    def _of_cell(self, measure: OwnMeasure, edits: Edits) -> NDArray | Record | None:
        facts, arrays = packed(edits)
        count = len(edits.target_labels)
        found = self._ask(measure, {"do": "of_cell", "edits": facts}, arrays, count)
        if isinstance(found, np.ndarray) and found.shape != (count,):
            raise MeasureFailed(f"the measure gave {_said(found)} for {count} edits: {(count,)} is wanted")
        return found

    def _ask(self, measure: OwnMeasure, question: dict[str, Any], arrays: dict[str, Any], count: int) -> Any:
        """What the function gives: values, a checked record, or None.

        Raises:
            MeasureFailed: it failed, or gave none of these.
        """
        name = measure.name
        if name in self._too_long:
            raise MeasureFailed(self._too_long[name])
        try:
            if name not in self._processes:
                self._processes[name] = ForeignProcess("measure", self._limit)
                self._processes[name].ask({"do": "load", "card": measure.value}, {}, doing="load")
            facts, found = self._processes[name].ask(question, arrays, doing="measure", largest=32 * count)
        except PluginFailed as failed:
            reason = _short(failed.report)
            if reason.startswith(TOO_LONG):  # it is not waited for in every cell
                self._too_long[name] = reason
            raise MeasureFailed(reason) from None
        if "record" in facts:
            return None if facts["record"] is None else sound_record(facts["record"])
        values = found.get("values")
        if values is None or not (np.isfinite(values) | np.isnan(values)).all():
            raise MeasureFailed("the measure gave infinite values: a number is wanted, or NaN where an edit has none")
        return values


def sound_record(record: Any) -> Record:
    """A cell's record of a measure as a plug-in gives it, with nothing but what such a record has.

    Raises:
        MeasureFailed: it has neither a value nor values nor a reason, or a value that is no finite number.
    """
    try:
        found = Measured.model_validate(record)
        found = found.model_copy(update={"reason": _short(found.reason)}) if found.reason else found
        if found.failed or (found.value is None and not found.values and not found.reason):
            raise ValueError("a record needs a value, or None and the reason")
        if len(found.values) > _MOST_NAMES or any(len(name) > _LONGEST_REASON for name in found.values):
            raise ValueError("it has too many values, or too long names")
    except ValidationError as error:
        first = error.errors()[0]
        raise MeasureFailed(f"the measure gave a wrong record ({'.'.join(map(str, first['loc']))})") from None
    except ValueError as error:
        raise MeasureFailed(f"the measure gave a wrong record ({error})") from None
    return found.plain()


def _short(report: str) -> str:
    """The last line of a report, in which Python says what happened."""
    line = (report.strip().splitlines() or ["the measure failed and did not say why"])[-1]
    text = "".join(each if each.isprintable() else "?" for each in line)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} ..."


def _said(found: Any) -> str:
    return f"the shape {found.shape}" if isinstance(found, np.ndarray) else "no values"
