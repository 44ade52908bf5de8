"""`bridgebench weights import`: turns official checkpoints into weights files."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from bridgebench import methods
from bridgebench.eval.judges import inception
from bridgebench.eval.judges.inception import Inception
from bridgebench.eval.judges.inception_official import import_inception
from bridgebench.harness.weights.find import file_sha256
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import refuse_existing
from bridgebench.methods.core.weights import save_tensors


def import_weights(
    method: str, checkpoints: Sequence[Path], out: Path, attributes: Sequence[str] | None = None
) -> Path:
    """Writes the weights file of a method from its official checkpoint.

    The method's own module ``official`` (beside its editor) reads the files: ``import_official(paths, attributes)``
    returns an editor with the checkpoint's tensors.

    Args:
        method: whose checkpoint it is; or "inception", the network of the standard FID.
        checkpoints: the official file or files, in any order that the method understands.
        out: the ``.safetensors`` file, which must not be there yet: weights may be hours of training.
        attributes: the label columns that it was trained with, in order; None: the method's default.

    Returns:
        `out`.

    Raises:
        UserError: the method has no official checkpoints, the files are missing, damaged or of another network, or
            `out` is there or cannot be written. Nothing is written then.
    """
    official = None if method == inception.NAME else _official(method)
    if out.suffix != ".safetensors":
        raise UserError(f"--out {out} must end in .safetensors.")
    refuse_existing(out)
    card = {
        "origin": "official checkpoint, imported by `bridgebench weights import`",
        "files": [{"name": path.name, "sha256": file_sha256(path)} for path in checkpoints if path.is_file()],
    }
    if official is None:
        save_tensors(out, _inception(checkpoints, attributes).state_dict(), inception.NAME, {}, card)
    else:
        methods.save(official.import_official(list(checkpoints), attributes), out, card)
    return out


def _inception(checkpoints: Sequence[Path], attributes: Sequence[str] | None) -> Inception:
    if len(checkpoints) != 1 or attributes is not None:
        raise UserError("Inception is imported from one file, and has no attributes.")
    return import_inception(checkpoints[0])


def _official(method: str) -> ModuleType:
    name = f"{methods.editor_class(method).__module__.rpartition('.')[0]}.official"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise UserError(f"The method '{method}' has no official checkpoints that could be imported.") from error
    return module
