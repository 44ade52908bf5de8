"""The cards of plug-ins' methods, which another process reads (:mod:`methods.core.foreign`)."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import Any, get_args, get_type_hints

from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.foreign import ask, shown

_TEXTS = frozenset({"name", "title", "paper", "summary", "editor", "quirks"})
_CHOICES = {"modes": {"label", "reference"}, "needs": {"classifier", "truth"}}


@cache
def read_card(name: str, value: str) -> MethodCard:
    """The card of a plug-in's method.

    Args:
        name: the method's name, as the plug-in has registered it.
        value: the entry point: where the card is, as ``"package.module:NAME"``.

    Raises:
        UserError: the plug-in cannot be imported, does not answer, or has no valid card.
    """
    found = ask("method", name, value, f"{__name__}:facts_of")
    if found is None:
        raise UserError(f"The entry point {value} of method '{name}' must be a bridgebench.methods.MethodCard.")
    try:
        card = card_of(found)
    except (TypeError, ValueError) as error:
        raise UserError(f"The card of the method '{name}' in {value} is not valid: {shown(error)}.") from error
    if card.name != name:
        raise UserError(f"The method '{name}' has a card of the name '{shown(card.name)}': give both one name.")
    return card


def facts_of(card: Any) -> dict[str, Any] | None:
    """The facts of a card, of what JSON has; None where it is none."""
    if not isinstance(card, MethodCard):
        return None
    found = {field.name: getattr(card, field.name) for field in dataclasses.fields(MethodCard)}
    return {name: sorted(value) if isinstance(value, set | frozenset) else value for name, value in found.items()}


def card_of(facts: Any) -> MethodCard:
    """The card with these facts (`facts_of`), each of which is checked.

    Raises:
        ValueError, TypeError: a fact is missing or of another kind.
    """
    values = dict(facts)
    missing = [field.name for field in dataclasses.fields(MethodCard) if field.name not in values]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    for name in _TEXTS:
        if not isinstance(values[name], str):
            raise TypeError(f"{name} must be text")
    for name, choices in _CHOICES.items():
        values[name] = frozenset(values[name])
        if not values[name] <= choices or (name == "modes" and not values[name]):
            raise ValueError(f"{name} must be some of {', '.join(sorted(choices))}")
    kinds = get_args(get_type_hints(MethodCard)["kind"])
    if values["kind"] not in kinds:
        raise ValueError(f"kind must be one of {', '.join(kinds)}")
    if values["strength"] is not None:
        try:
            values["strength"] = tuple(float(number) for number in values["strength"])
        except OverflowError as error:
            raise ValueError("strength must be three numbers, or None") from error
        if len(values["strength"]) != 3 or not all(map(math.isfinite, values["strength"])):
            raise ValueError("strength must be three numbers, or None")
    if not isinstance(values["stochastic"], bool) or not isinstance(values["training"], str | None):
        raise TypeError("stochastic must be True or False, and training text or None")
    values["command"] = _command(values)
    return MethodCard(**values)


def _command(values: dict[str, Any]) -> tuple[str, ...]:
    """The command of a card, checked.

    Raises:
        ValueError, TypeError: it is none, or it does not go together with other facts.
    """
    command = tuple(values.get("command", ()))
    if not all(isinstance(part, str) and part and "\0" not in part for part in command):
        raise TypeError("command must be a list of texts, none of them empty")
    if bool(command) == bool(values["editor"]):
        raise ValueError("it must name an editor or a command, and not both")
    if command and "/" in command[0] and not command[0].startswith("/"):
        raise ValueError(f"command must begin with an absolute path, or the name of a program, not {command[0]!r}")
    if command and (values["training"] or values["needs"]):
        raise ValueError("a method with a command has no training, and nothing can be attached to it (needs)")
    return command
