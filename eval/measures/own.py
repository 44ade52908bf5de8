"""Measures of plug-ins: packages with an entry point of the group ``bridgebench.measures``, which is a `MeasureCard`.

A run has the measures that its profile names under ``[evaluation] measures``, and no others: what else is installed
changes no number and no protocol. The card of such a measure is read in another process (:mod:`methods.core.foreign`),
and a benchmark calls its function in another one, too (:mod:`harness.benchmark.remote_measures`).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from bridgebench.eval.measures import MEASURES
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.run import MEASURE_NAME, MeasureRecord
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.foreign import ask, import_object, shown

GROUP = "bridgebench.measures"
_FUNCTIONS = ("of_images", "of_cell")
_ENDINGS = ("_low", "_high", "_se")  # of a measure's columns in summary.csv


@dataclass(frozen=True)
class OwnMeasure:
    """An installed measure of a plug-in.

    Attributes:
        name: its name in profiles, cells and tables.
        value: the entry point: where its card is, as ``"package.module:NAME"``.
        record: what a run records of it.
    """

    name: str
    value: str
    record: MeasureRecord

    @property
    def card(self) -> MeasureCard:
        """Its card without its function."""
        return self.record.card(self.name)


def own_names() -> list[str]:
    """The names of the measures of plug-ins that are installed, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def own_measure(name: str) -> OwnMeasure:
    """The measure of a plug-in called `name`; its code runs in another process only.

    Raises:
        UserError: no such measure is installed, two packages have one, its name cannot be taken, or its card is not
            valid.
    """
    return _read(_entry(name))


def with_function(measure: OwnMeasure) -> MeasureCard:
    """The whole card, imported into this process: the code of the plug-in runs.

    Raises:
        UserError: it cannot be imported.
    """
    try:
        found = import_object(measure.value)
        function = {name: getattr(found, name) for name in _FUNCTIONS}
    except Exception as error:
        raise UserError(
            f"The measure '{measure.name}' cannot be imported from {measure.value}: {shown(error)}"
        ) from error
    return dataclasses.replace(measure.card, **function)


def plain_record(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a measure's function gives as the record of a cell, with Python's own numbers in place of numpy's.

    Raises:
        TypeError: there is something in it that is neither a number, a text nor a table of these.
        ValueError: a number is not finite.
    """
    plain: dict[str, Any] = json.loads(json.dumps(found, default=float, allow_nan=False))
    return plain


def facts_of(card: Any) -> dict[str, Any] | None:
    """The facts of a card, of what JSON has; None where it is none."""
    if not isinstance(card, MeasureCard):
        return None
    facts = {field.name: getattr(card, field.name) for field in dataclasses.fields(MeasureCard)}
    given = [name for name in _FUNCTIONS if callable(facts.pop(name))]
    return {**facts, "function": given[0] if len(given) == 1 else None}


def _entry(name: str) -> EntryPoint:
    found = sorted(entry_points(group=GROUP, name=name), key=lambda entry: entry.value)
    if not found:
        installed = own_names()
        hint = did_you_mean(name, installed)
        known = f"Installed are: {', '.join(installed)}." if installed else "None of a plug-in is installed."
        ours = " Those of bridgebench need not be named." if name in {card.key for card in MEASURES} else ""
        raise UserError(f"There is no measure '{shown(name)}' of a plug-in.{hint} {known}{ours}")
    places = list(dict.fromkeys(entry.value for entry in found))
    if len(places) > 1:
        raise UserError(
            f"Several packages have a measure '{name}' ({', '.join(places)}): uninstall all of them but one."
        )
    if not re.fullmatch(MEASURE_NAME, name) or name.endswith(_ENDINGS):
        raise UserError(
            f"The measure '{shown(name)}' in {places[0]} needs another name: up to 40 lowercase letters, digits and _, "
            f"a letter first, and at the end none of {', '.join(_ENDINGS)}."
        )
    if name in {card.key for card in MEASURES}:
        raise UserError(f"The measure '{name}' in {places[0]} has the name of one of bridgebench: give it another.")
    return found[0]


@cache
def _read(entry: EntryPoint) -> OwnMeasure:
    name, value = entry.name, entry.value
    found = ask("measure", name, value, f"{__name__}:facts_of")
    if not isinstance(found, dict):
        raise UserError(
            f"The entry point {value} of measure '{name}' must be a bridgebench.eval.measures.card.MeasureCard."
        )
    if found.pop("key", None) != name:
        raise UserError(f"The card of the measure '{name}' in {value} has another key: give both one name.")
    package = {"package": entry.dist.name, "package_version": entry.dist.version} if entry.dist else {}
    try:
        record = MeasureRecord.model_validate({"package": "", "package_version": "", **found, **package})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the card"
        why = "give exactly one of of_images and of_cell" if where == "function" else f"{where}: {first['msg']}"
        raise UserError(f"The card of the measure '{name}' in {value} is not valid: {shown(why)}.") from error
    return OwnMeasure(name, value, record)
