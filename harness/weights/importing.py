"""Turns official checkpoints into weights files, and tells what a weights file says of itself."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from bridgebench.harness.weights.listing import parameter_count
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header

from bridgebench import methods


def import_weights(
    method: str, checkpoints: Sequence[Path], out: Path, attributes: Sequence[str] | None = None
) -> Path:
    """Writes the weights file of a method from its official checkpoint.

    The method's own module ``official`` (beside its editor) reads the files: ``import_official(paths, attributes)``
    returns an editor with the checkpoint's tensors.

    Args:
        method: whose checkpoint it is.
        checkpoints: the official file or files, in any order that the method understands.
        out: the ``.safetensors`` file; an older file of that name is replaced at the end, in one step.
        attributes: the label columns that it was trained with, in order; None: the method's default.

    Returns:
        `out`.

    Raises:
        UserError: the method has no official checkpoints, the files are missing, damaged or of another network, or
            `out` cannot be written. Nothing is written then.
    """
    official = _official(method)
    if out.suffix != ".safetensors":
        raise UserError(f"--out {out} must end in .safetensors.")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file.")
    editor = official.import_official(list(checkpoints), attributes)
    card = {
        "origin": "official checkpoint, imported by `bridgebench weights import`",
        "files": [{"name": path.name, "sha256": _sha256(path)} for path in checkpoints if path.is_file()],
    }
    try:
        methods.save(editor, out, card)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}).") from error
    return out


def show_weights(path: str | Path) -> str:
    """What a weights file holds, as text: method, parameters, attributes, configuration and card. Loads no tensor.

    Raises:
        UserError: the file is missing, damaged, or not one of ours.
    """
    found = header(path)
    config = dict(found["config"])
    facts = {
        "method": found["method"],
        "parameters": f"{parameter_count(Path(path)):,}",
        "attributes": ", ".join(config.pop("attributes", ())),
        **{key: _text(value) for key, value in config.items()},
        **{f"card: {key}": _text(value) for key, value in found["card"].items()},
    }
    width = max(map(len, facts))
    return "\n".join(f"{key.ljust(width)}  {value}" for key, value in facts.items())


def _official(method: str) -> ModuleType:
    name = f"{methods.editor_class(method).__module__.rpartition('.')[0]}.official"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise UserError(f"The method '{method}' has no official checkpoints that could be imported.") from error
    return module


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)
