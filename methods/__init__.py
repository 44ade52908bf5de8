"""The methods of bridgebench: their names and cards, loading, saving, and the start of a training.

Methods register under the entry-point group ``bridgebench.methods``; the value of an entry point is a
:class:`methods.card.MethodCard`. torch is imported only when a method is loaded or trained. A plug-in's code runs in
this process only when its method is loaded or trained; its card is read in another one (:mod:`methods.foreign`).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.labels import LabelSpace, label_space, plain_space
from bridgebench.methods.core.weights import build, header, save_tensors
from bridgebench.methods.foreign import read_card

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor
    from bridgebench.methods.training.base import Training

GROUP = "bridgebench.methods"
_SPACE = "label_space"  # in the card of weights whose label columns are not what their names say

__all__ = [
    "GROUP",
    "MethodCard",
    "card",
    "editor_class",
    "is_foreign",
    "load",
    "names",
    "official_images",
    "restore_space",
    "save",
    "start_training",
]


@lru_cache
def _entries() -> dict[str, EntryPoint]:
    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, _is_ours(entry)))
    return {entry.name: entry for entry in found}  # of two with one name the last counts: no plug-in replaces ours


def names() -> list[str]:
    """The names of all methods that are installed, ours and those of plug-ins, sorted."""
    return list(_entries())


def card(name: str) -> MethodCard:
    """The card of the method called `name`.

    Raises:
        UserError: no method of that name is installed, or its plug-in cannot be imported.
    """
    entry = _entry(name)
    return _load_card(entry) if _is_ours(entry) else read_card(name, entry.value)


def is_foreign(name: str) -> bool:
    """Whether the method called `name` comes from a plug-in, which is somebody else's code.

    Raises:
        UserError: no method of that name is installed.
    """
    return not _is_ours(_entry(name))


def _entry(name: str) -> EntryPoint:
    entry = _entries().get(name)
    if entry is None:
        hint = did_you_mean(name, names())
        raise UserError(f"There is no method '{name}'.{hint} `bridgebench methods` lists those that are installed.")
    return entry


def _is_ours(entry: EntryPoint) -> bool:
    return entry.value.partition(".")[0] == "bridgebench"


def _load_card(entry: EntryPoint) -> MethodCard:
    """The card, imported into this process."""
    try:
        found = entry.load()
    except Exception as error:
        raise UserError(f"The method '{entry.name}' cannot be imported from {entry.value}: {error}") from error
    if not isinstance(found, MethodCard):
        raise UserError(
            f"The entry point {entry.value} of method '{entry.name}' must be a bridgebench.methods.MethodCard."
        )
    return found


def editor_class(name: str) -> type[Editor]:
    """The editor class of the method called `name`; imports torch, and the method's code.

    Raises:
        UserError: as :func:`card`, or the class named on the card cannot be imported.
    """
    command = card(name).command
    if command:
        from bridgebench.methods.command import command_editor

        return command_editor(card(name))
    return _import_class(name, _load_card(_entry(name)).editor)


def _import_class(name: str, where: str) -> Any:
    """What a card names as ``"package.module:Class"``."""
    module, _, attribute = where.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"The method '{name}' names the class {where}, which cannot be imported: {error}") from error


def load(name: str, weights: str | Path | None = None, *, device: str = "cpu") -> Editor:
    """The method called `name`, in eval mode, ready to edit.

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
        if card(name).trainable:
            raise UserError(
                f"The method '{name}' needs trained weights: give weights=FILE (`bridgebench train {name}` or "
                f"`bridgebench weights import {name}` make one)."
            )
        return cls().to(device)
    if card(name).command:
        raise UserError(f"The method '{name}' takes no weights file: its program has what it needs.")
    found = header(weights)
    if found["method"] != name:
        raise UserError(f"{weights} holds weights of '{found['method']}', not of '{name}'.")
    return restore_space(build(weights, cls, found["config"]), weights).eval().to(device)


def restore_space(editor: Editor, weights: str | Path) -> Editor:
    """The editor of a weights file, told by the file's card what its label columns are; the card may be anybody's.

    Raises:
        UserError: the card is damaged.
    """
    stored = header(weights)["card"].get(_SPACE)
    if stored is None:
        return editor
    try:
        space = label_space(editor.attributes, stored["kind"], stored["rules"])
        space.check_rules()
        if plain_space(space) != stored:
            raise ValueError("rules of another form")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"The card of {weights} does not say what its label columns are ({error}).") from error
    editor.space = space
    return editor


def save(editor: Editor, path: str | Path, card: dict[str, Any], *, half: bool = False) -> None:
    """Writes the weights file of an editor, which `load` reads.

    Args:
        editor: whose networks are saved.
        path: the .safetensors file.
        card: how the weights were made, JSON-able; see `methods.core.weights`.
        half: store float16 (the zoo's precision).
    """
    tensors = {
        name: tensor.half() if half and tensor.is_floating_point() else tensor
        for name, tensor in editor.state_dict().items()
    }
    space = plain_space(editor.space)
    if space != plain_space(label_space(editor.attributes)):
        card = {**card, _SPACE: space}
    save_tensors(path, tensors, editor.name, editor.config, card)


def official_images(name: str) -> int | None:
    """Images in all updates of the official recipe of the method called `name`; None if it has no training of ours.

    An iteration of a method may read a batch several times. That is not counted, so that it can be compared with the
    iterations and batch of another recipe of the same method.
    """
    training = card(name).training
    if training is None or is_foreign(name):
        return None
    recipe = _import_class(name, training).recipe_type()
    return int(recipe.iterations * recipe.batch_size)


def start_training(
    name: str,
    table: Mapping[str, Any],
    attributes: Sequence[str],
    image_size: int,
    dataset_size: int,
    seed: int,
    space: LabelSpace | None = None,
) -> Training:
    """The training of the method called `name`: its networks, losses and optimizers.

    Args:
        name: a registered method.
        table: the recipe, a profile's ``[train.<method>]`` table.
        attributes: label columns.
        image_size: side of the training images, in pixels.
        dataset_size: number of training images.
        seed: of the initial weights.
        space: what the label columns are; None: what their names say.

    Raises:
        UserError: the method cannot be trained, or the recipe does not fit it.
    """
    from bridgebench.methods.training.recipe import parse_recipe  # with it comes pydantic, which no other call needs

    found = card(name)
    if found.training is None:
        raise UserError(f"{found.title} cannot be trained by bridgebench: its card names no training class.")
    cls = _import_class(name, found.training)
    recipe = parse_recipe(cls.recipe_type, table, f"[train.{name}]")
    if space is not None and hasattr(cls, "recipe_in"):
        recipe = cls.recipe_in(recipe, space)
    training = cls(recipe, attributes, image_size, dataset_size, seed)
    if space is not None:
        training.editor.space = space
    return training
