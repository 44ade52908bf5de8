"""Named tensors of an official checkpoint: compared with those of a network, and brought into PyTorch's layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError

_NAMED_IN_ERRORS = 3
# TensorFlow's axes -> PyTorch's: (h, w, in, out) and, transposed, (h, w, out, in); dense layers (in, out) -> (out, in).
_FROM_TENSORFLOW = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}


class HasShape(Protocol):
    """A torch tensor or a numpy array."""

    @property
    def shape(self) -> Sequence[int]: ...


T = TypeVar("T", bound=HasShape)


def shape_of(
    tensors: Mapping[str, np.ndarray], name: str, least: tuple[int, ...], *, where: Path, title: str
) -> tuple[int, ...]:
    """The shape of a tensor, from which sizes of a method's networks are read.

    Raises:
        UserError: the tensor is missing, has another number of axes than `least`, or an axis below its value there.
    """
    if name not in tensors:
        match(tensors, {name: least}, where=where, optional=[r".*"])
    shape = tensors[name].shape
    if len(shape) != len(least) or any(size < low for size, low in zip(shape, least, strict=True)):
        raise UserError(f"The tensor {name} of {where} has the shape {list(shape)}, which no {title} has.")
    return shape


def match(
    tensors: Mapping[str, T],
    expected: Mapping[str, Sequence[int]],
    *,
    where: str | Path,
    optional: Iterable[str] = (),
) -> dict[str, T]:
    """The expected tensors of a checkpoint, in the expected order.

    Args:
        tensors: what was read, by name.
        expected: shape by name.
        where: the file, for the message.
        optional: regular expressions. Tensors whose whole name matches one of them may be there besides the expected
            ones and are left out (optimizer slots, counters, running statistics that nothing reads).

    Raises:
        UserError: tensors are missing, too many or of another shape; the first few of each are named.
    """
    allowed = [re.compile(pattern) for pattern in optional]
    missing = [name for name in expected if name not in tensors]
    extra = [name for name in tensors if name not in expected and not any(p.fullmatch(name) for p in allowed)]
    misshapen = [
        f"{name} {_shape(tensors[name].shape)} instead of {_shape(shape)}"
        for name, shape in expected.items()
        if name in tensors and tuple(tensors[name].shape) != tuple(shape)
    ]
    found = [
        f"{kind}: {_first(names)}"
        for kind, names in (("missing", missing), ("unknown", extra), ("of another shape", misshapen))
        if names
    ]
    if found:
        raise UserError(f"The tensors of {where} are not those of this network; {'; '.join(found)}.")
    return {name: tensors[name] for name in expected}


def tensorflow_shapes(network: nn.Module, names: Mapping[str, str]) -> dict[str, list[int]]:
    """The shapes that TensorFlow gives to a network's variables, by TensorFlow name.

    Args:
        network: the network, of any sizes.
        names: the TensorFlow name of each of its tensors, by its name here.
    """
    ours = network.state_dict()
    return {
        official: [ours[name].shape[axis] for axis in np.argsort(_FROM_TENSORFLOW[ours[name].ndim])]
        for name, official in names.items()
    }


def tensorflow_state(
    network: nn.Module, names: Mapping[str, str], tensors: Mapping[str, np.ndarray], where: str | Path
) -> dict[str, Tensor]:
    """The state dict of a network from the variables of a TensorFlow checkpoint, float32.

    Args:
        network, names: as in `tensorflow_shapes`.
        tensors: the variables by TensorFlow name, in TensorFlow's layouts; those that `names` lacks are passed over.
        where: the file, for the message.

    Raises:
        UserError: tensors are missing, of another shape, or not of floating point.
    """
    found = match(tensors, tensorflow_shapes(network, names), where=where, optional=[r".*"])
    for official, array in found.items():
        if array.dtype.kind != "f":
            raise UserError(f"The tensor {official} of {where} holds {array.dtype} instead of floating point numbers.")
    # Always copies: batch norm's moving averages change in place, the caller's arrays must not.
    state = {
        name: torch.from_numpy(
            np.array(found[official].transpose(_FROM_TENSORFLOW[found[official].ndim]), np.float32, order="C")
        )
        for name, official in names.items()
    }
    # PyTorch's batch norm counts its batches, TensorFlow's does not; a given momentum leaves the count unread.
    return {name: state[name] if name in state else torch.zeros((), dtype=torch.long) for name in network.state_dict()}


def named_columns(
    given: Sequence[str] | None, columns: int, known: Iterable[Sequence[str]], where: Path
) -> tuple[str, ...]:
    """The names of a checkpoint's label columns: those given, or the known list of that length.

    Args:
        given: what the user named, in the order of training.
        columns: how many the checkpoint has.
        known: lists to take from when nothing was named.
        where: the file, for the message.

    Raises:
        UserError: the number of names is not `columns`; or there are no names and no known list has that length.
    """
    if given is not None:
        if len(given) != columns:
            raise UserError(f"{where} has {columns} label columns, but {len(given)} attributes were named.")
        return tuple(given)
    for names in known:
        if len(names) == columns:
            return tuple(names)
    raise UserError(f"{where} has {columns} label columns: name them, in the order of training (--attributes).")


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _first(names: list[str]) -> str:
    more = len(names) - _NAMED_IN_ERRORS
    return ", ".join(names[:_NAMED_IN_ERRORS]) + (f" and {more} more" if more > 0 else "")
