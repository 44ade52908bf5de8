"""The cards of plug-ins. Importing a plug-in runs its code, so this is done in a process of its own, within a time.

The command that lists the methods, and the process that plans a run, thus never run code of a plug-in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from functools import cache
from typing import Any, get_args, get_type_hints

from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json

SECONDS = 60.0  # an import may take so long; some packages import other people's networks
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import tell; tell(*sys.argv[2:])"
_LONGEST = 2**20  # bytes of an answer
_LONGEST_REASON = 500  # characters
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
    answer = _ask(name, value)
    if "error" in answer:
        raise UserError(f"The method '{name}' cannot be imported from {value}: {_shown(answer['error'])}")
    if "card" not in answer:
        raise UserError(f"The entry point {value} of method '{name}' must be a bridgebench.methods.MethodCard.")
    try:
        card = _card(answer["card"])
    except (TypeError, ValueError) as error:
        raise UserError(f"The card of the method '{name}' in {value} is not valid: {_shown(str(error))}.") from error
    if card.name != name:
        raise UserError(f"The method '{name}' has a card of the name '{_shown(card.name)}': give both one name.")
    return card


def tell(value: str, line: str) -> None:
    """The process that imports a plug-in: writes its card, or why there is none, and ends."""
    try:
        module, _, attributes = value.partition(":")
        found = importlib.import_module(module)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
        answer = json.dumps({"card": _facts(found)} if isinstance(found, MethodCard) else {})
    except BaseException as error:  # a plug-in is somebody else's code: whatever it raises is told
        answer = json.dumps({"error": _reason(error)})
    data = answer.encode() + b"\n"
    while data:
        data = data[os.write(int(line), data) :]
    os._exit(0)


def _facts(card: MethodCard) -> dict[str, Any]:
    found = {field.name: getattr(card, field.name) for field in dataclasses.fields(MethodCard)}
    return {name: sorted(value) if isinstance(value, set | frozenset) else value for name, value in found.items()}


def _reason(error: BaseException) -> str:
    try:
        text = str(error)[:_LONGEST_REASON]
    except BaseException:
        text = ""
    if text and isinstance(error, ImportError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _ask(name: str, value: str) -> dict[str, Any]:
    """What the process that imports the plug-in says."""
    reading, writing = os.pipe()
    program = _START.format(module=__name__)
    command = [sys.executable, "-P", "-c", program, json.dumps(sys.path), value, str(writing)]
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        command, pass_fds=[writing], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    os.close(writing)
    try:
        said = _read_line(reading, time.monotonic() + SECONDS)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with all that the plug-in has started
        process.kill()
        process.wait()
    if said is None:
        raise UserError(f"The method '{name}' cannot be imported from {value}: more than {SECONDS:g} seconds.")
    try:
        answer = parse_json(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UserError(f"The method '{name}' cannot be imported from {value}: its import ends the process.")
    return answer


def _read_line(reading: int, until: float) -> bytes | None:
    """What is written up to a line's end, or to the end of all; None where that does not come in time."""
    said = b""
    while not said.endswith(b"\n") and len(said) < _LONGEST:
        if not select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
            return None
        part = os.read(reading, 2**16)
        if not part:
            break
        said += part
    return said


def _card(facts: Any) -> MethodCard:
    """The card with these facts, each of which is checked.

    Raises:
        ValueError, TypeError: a fact is missing or of another kind.
    """
    values = dict(facts)
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
        values["strength"] = tuple(float(number) for number in values["strength"])
        if len(values["strength"]) != 3 or not all(map(math.isfinite, values["strength"])):
            raise ValueError("strength must be three numbers, or None")
    if not isinstance(values["stochastic"], bool) or not isinstance(values["training"], str | None):
        raise TypeError("stochastic must be True or False, and training text or None")
    return MethodCard(**values)


def _shown(text: Any) -> str:
    short = " ".join(str(text)[:_LONGEST_REASON].split())
    return "".join(each if each.isprintable() else "?" for each in short)
