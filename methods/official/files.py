"""Reads checkpoint files of official codes as named tensors, without running any code that is in them.

PyTorch files go through `torch.load(weights_only=True)`, numpy files through `allow_pickle=False`; TensorFlow
checkpoints are read where tensorflow is installed (the extra ``bridgebench[tensorflow]``). Then
`methods.official.tensors` compares names and shapes with those of a network.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import refuse_page
from bridgebench.methods.official.torchscript import is_torchscript

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST = 8 * 2**30  # bytes of an unpacked checkpoint


def read_torch(path: str | Path) -> dict[str, Tensor]:
    """A state dict written by `torch.save`, on the CPU.

    Raises:
        UserError: the file is missing or damaged, needs code to be run, or holds anything but named tensors.
    """
    return plain_tensors(load_torch(path), path)


def load_torch(path: str | Path) -> Any:
    """The content of a file that `torch.save` wrote (zip format or the older one), on the CPU; see `plain_tensors`.

    Raises:
        UserError: the file is missing or damaged, or needs code to be run.
    """
    import torch

    path = existing(path)
    if is_torchscript(path):
        raise UserError(f"{path} is a TorchScript program, which is not run: save the bare state_dict() instead.")
    try:
        if zipfile.is_zipfile(path):  # as torch writes it, nothing is compressed
            with zipfile.ZipFile(path) as archive:
                if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
                    raise ValueError("it would unpack to more than it holds")
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message tells users to load the file unsafely: it is not passed on
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code is None:
            raise _damaged(path, "no PyTorch file") from error
        raise UserError(
            f"{path} holds {code[1]} besides tensors; loading that would run code from the file, so it was not "
            "loaded: save the bare state_dict() instead."
        ) from error
    except Exception as error:  # a damaged file may raise almost anything; nothing of it is run
        raise _damaged(path, _reason(error)) from error


def plain_tensors(found: Any, path: str | Path, part: str = "") -> dict[str, Tensor]:
    """The named tensors of a table that `load_torch` gave.

    Args:
        found: the table.
        path: its file.
        part: which part of the file it is, for the message, such as ``"The network 'fan' of "``.

    Raises:
        UserError: `found` is no table of plain tensors, or its tensors are larger than the file.
    """
    import torch

    path = Path(path)
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise UserError(
            f"{part}{path} is not a state dict (a table of named tensors): save the bare state_dict() instead."
        )
    for name, tensor in found.items():
        plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        # A view that repeats a few bytes could claim any shape.
        if not plain or tensor.is_complex() or tensor.numel() * tensor.element_size() > path.stat().st_size:
            raise _damaged(path, f"{name} is no plain tensor")
    return {str(name): tensor for name, tensor in found.items()}


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file under their names; pickled objects are refused.

    Raises:
        UserError: the file is missing, damaged, not an .npz file, or holds Python objects.
    """
    path = existing(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise ValueError(f"it would unpack to more than {_LARGEST >> 30} GiB")
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        if any(array.dtype.kind not in "fiub" for array in arrays.values()):
            raise ValueError("it holds other things than numbers")
        return arrays
    except Exception as error:  # as above
        raise _damaged(path, _reason(error)) from error


def read_tensorflow(prefix: str | Path) -> dict[str, np.ndarray]:
    """The variables of a TensorFlow checkpoint under their names.

    Args:
        prefix: the part of the path that its ``.index`` and ``.data-...`` files share; or one of those files.

    Raises:
        UserError: no such checkpoint, tensorflow is not installed, or the checkpoint is damaged.
    """
    prefix = Path(re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(prefix)))
    existing(f"{prefix}.index")
    try:
        import tensorflow
    except ImportError as error:
        raise UserError(
            f"{prefix} is a TensorFlow checkpoint and tensorflow is not installed: `pip install "
            "'bridgebench[tensorflow]'`, or save its variables under their names as an .npz file."
        ) from error
    try:
        reader = tensorflow.train.load_checkpoint(str(prefix))
        return {name: np.asarray(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()}
    except Exception as error:  # as above
        raise _damaged(prefix, _reason(error)) from error


def read_variables(paths: Sequence[str | Path], title: str) -> tuple[Path, dict[str, np.ndarray]]:
    """The variables of one checkpoint of a TensorFlow method, without the ``:0`` that a name may end with.

    Args:
        paths: an ``.npz`` file, or a TensorFlow checkpoint as its prefix or any of its files.
        title: the method's, for the message.

    Raises:
        UserError: not one checkpoint, or one that cannot be read.
    """
    given = {re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path)) for path in paths}
    if len(given) != 1:
        listed = ", ".join(sorted(given)) or "nothing"
        raise UserError(f"{title} is imported from one checkpoint that holds all its networks; given: {listed}.")
    path = Path(given.pop())
    tensors = read_npz(path) if path.suffix == ".npz" else read_tensorflow(path)
    return path, {name.removesuffix(":0"): array for name, array in tensors.items()}


def existing(path: str | Path) -> Path:
    """The path of a checkpoint file that is there.

    Raises:
        UserError: there is no such file, or it is a web page.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no checkpoint file {path}.")
    refuse_page(path)
    return path


def _reason(error: Exception) -> str:
    first = str(error).splitlines()[:1] or [type(error).__name__]
    return first[0].split(". ")[0].rstrip(".")


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is damaged or not a checkpoint of this kind ({reason}); fetch it again.")
