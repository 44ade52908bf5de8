"""The methods of bridgebench behind one door: `names`, `card` and `load`.

Methods register under the entry-point group ``methods``; the value of an entry point is a
:class:`methods.card.MethodCard`. Nothing here imports torch before a method is loaded.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor

GROUP = "bridgebench.methods"

__all__ = ["GROUP", "MethodCard", "card", "load", "names"]


@lru_cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def names() -> list[str]:
    """The names of all methods that are installed, ours and those of plug-ins, sorted."""
    return list(_entries())


def card(name: str) -> MethodCard:
    """The card of the method called `name`.

    Raises:
        UserError: no method of that name is installed, or its plug-in cannot be imported.
    """
    entry = _entries().get(name)
    if entry is None:
        hint = did_you_mean(name, names())
        raise UserError(f"There is no method '{name}'.{hint} `bridgebench methods` lists those that are installed.")
    try:
        found = entry.load()
    except Exception as error:  # a plug-in is somebody else's code: whatever it raises is told, not thrown
        raise UserError(f"The method '{name}' cannot be imported from {entry.value}: {error}") from error
    if not isinstance(found, MethodCard):
        raise UserError(f"The entry point {entry.value} of method '{name}' must be a bridgebench.methods.MethodCard.")
    return found


def editor_class(name: str) -> type[Editor]:
    """The class of the method called `name`; imports torch.

    Raises:
        UserError: as :func:`card`, or the class named on the card cannot be imported.
    """
    where = card(name).editor
    module, _, attribute = where.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"The method '{name}' names the class {where}, which cannot be imported: {error}") from error


def load(name: str, weights: str | Path | None = None, *, device: str = "cpu") -> Editor:
    """The method called `name`, ready to edit.

    Args:
        name: a registered method.
        weights: a .safetensors file of this method (shipped in ``methods/zoo``, trained, or made by `bridgebench
            weights import`); its header says sizes and attributes. Controls take none.
        device: where to put it.

    Raises:
        UserError: unknown method, missing or damaged weights, or weights of another method.
    """
    cls = editor_class(name)
    if weights is None:
        if card(name).kind != "control" and card(name).trainable:
            raise UserError(
                f"The method '{name}' needs trained weights: give weights=FILE (`bridgebench train {name}` or "
                f"`bridgebench weights import {name}` make one)."
            )
        return cls().to(device)
    from bridgebench.methods.core.weights import load_editor

    editor = load_editor(weights, expect=name)
    return editor.to(device)
