"""Weights files: safetensors whose header says which method they belong to and how it was made.

The header's metadata holds ``method``, ``config`` (JSON, the constructor's arguments) and ``card`` (JSON: recipe, data,
time, what a reader should know), so that a file is complete by itself. Reading the header needs no torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.errors import UserError
from methods.files import write_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from methods.base import Editor

FORMAT = "bridgebench-1"
ZOO = Path(__file__).parent / "zoo"
_LARGEST_HEADER = 16 * 2**20


def header(path: str | Path) -> dict[str, Any]:
    """The metadata of a weights file: ``{"method": str, "config": dict, "card": dict}``; reads no tensor.

    Raises:
        UserError: the file is missing, damaged, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no weights file {path}; `bridgebench methods` shows which weights are at hand.")
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _LARGEST_HEADER:
                raise ValueError("no safetensors header")
            fields = json.loads(file.read(length)).get("__metadata__", {})
        if fields.get("format") != FORMAT:
            raise ValueError("its header does not say bridgebench")
        return {"method": fields["method"], "config": json.loads(fields["config"]), "card": json.loads(fields["card"])}
    except (ValueError, KeyError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is not a bridgebench weights file ({error}); `bridgebench weights import` turns official "
            "checkpoints into one."
        ) from error


def save_tensors(path: str | Path, tensors: dict[str, Tensor], method: str, config: dict, card: dict) -> None:
    """Writes tensors with the header of :func:`header`, all of the file or nothing."""
    from safetensors.torch import save

    metadata = {"format": FORMAT, "method": method, "config": json.dumps(config), "card": json.dumps(card)}
    write_bytes(
        Path(path), save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    )


def load_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a weights file, floating-point ones as float32.

    Raises:
        UserError: the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); fetch or train it again.") from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def save_editor(editor: Editor, path: str | Path, card: dict[str, Any], *, half: bool = False) -> None:
    """Saves an editor's networks; `half` stores float16 (the zoo's precision)."""
    tensors = {
        name: tensor.half() if half and tensor.is_floating_point() else tensor
        for name, tensor in editor.state_dict().items()
    }
    save_tensors(path, tensors, editor.name, editor.config, card)


def load_editor(path: str | Path, *, expect: str | None = None) -> Editor:
    """The editor saved in `path`, in eval mode on the CPU.

    Args:
        path: a weights file.
        expect: the method that the caller asked for.

    Raises:
        UserError: missing or damaged file, another method's weights, or tensors that do not fit its own header.
    """
    from methods import editor_class

    found = header(path)
    if expect is not None and found["method"] != expect:
        raise UserError(f"{path} holds weights of '{found['method']}', not of '{expect}'.")
    try:
        editor = editor_class(found["method"])(**found["config"])
        editor.load_state_dict(load_tensors(path))
    except (TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"The tensors of {path} do not fit its header ({reason}); train or import it again.") from error
    return editor.eval()


def shipped(method: str, profile: str) -> Path:
    """Where the zoo keeps the weights of `method` for `profile` (the file need not exist)."""
    return ZOO / f"{method}-{profile}.safetensors"
