"""Reads the tensors of a TorchScript file without running the program that the file is.

A TorchScript file is a zip. ``code/`` is a program: `torch.jit.load` compiles it, and runs parts of it at once.
``data.pkl`` is a pickle that says which modules there are and how their tensors are called; ``data/0``, ``data/1``, ...
are the numbers. Only these are opened here. The pickle is not unpickled either: its opcodes are read as a list, and the
few that TorchScript writes make dicts, lists, tuples and texts. A name of a class or function stays a text.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgebench.methods.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST_PICKLE = 16 * 2**20  # bytes
_TENSOR = "torch._utils _rebuild_tensor_v2"
_TYPES = {
    "torch FloatStorage": "float32",
    "torch HalfStorage": "float16",
    "torch DoubleStorage": "float64",
    "torch LongStorage": "int64",
    "torch BoolStorage": "bool",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS_AND_TEXTS = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "GLOBAL")
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass
class _Made:
    """What an opcode would have made by a class or a function: its name, its arguments, and its fields."""

    name: str
    arguments: tuple[Any, ...]
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Storage:
    """A place of numbers: the text "storage", their type, the name of their file, the device and how many they are."""

    about: tuple[Any, ...]


def is_torchscript(path: Path) -> bool:
    """Whether a file is a zip as TorchScript writes it."""
    try:
        if not zipfile.is_zipfile(path):  # which itself fails on some damaged files
            return False
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The tensors of a TorchScript file by their names (module names and a field, with dots), on the CPU.

    Nothing of the file is run. A tensor that modules share has the first of its names.

    Raises:
        UserError: the file is damaged, or has other things than TorchScript writes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _Members(archive, path.stat().st_size)
            return _tensors(_parse(members.read("data.pkl", _LARGEST_PICKLE)), members)
    except Exception as error:  # a damaged file may raise almost anything; nothing of it is run
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is damaged or not a TorchScript file ({reason:.200}); fetch it again.") from error


class _Members:
    """The members of the zip that are read; altogether they have no more bytes than the file.

    Args:
        archive: the zip.
        size: bytes of its file.
    """

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._left = self.size = size
        (pickle,) = (name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1)
        self._root = pickle.removesuffix("/data.pkl")
        self._storages: dict[str, bytearray] = {}

    def storage(self, key: str) -> bytearray:
        """The numbers of a storage; they are read once."""
        if key not in self._storages:
            self._storages[key] = bytearray(self.read(f"data/{key}", self._left))
        return self._storages[key]

    def read(self, name: str, largest: int) -> bytes:
        """The content of a member; TorchScript compresses none of those that are read here."""
        member = self._archive.getinfo(f"{self._root}/{name}")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > min(largest, self._left):
            raise ValueError(f"{name} is compressed or too large")
        self._left -= member.file_size
        return self._archive.read(member)


def _parse(data: bytes) -> Any:
    """What a pickle describes, of dicts, lists, tuples, texts, numbers, `_Made` and `_Storage`."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}

    def since(place: int) -> list[Any]:
        """Takes what lies on the stack from a place on."""
        found = stack[place:]
        del stack[place:]
        return found

    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in ("PROTO", "STOP"):
            continue
        if name == "MARK":
            marks.append(len(stack))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _NUMBERS_AND_TEXTS:
            stack.append(argument)
        elif name in ("EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT"):
            stack.append({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[name])
        elif name == "TUPLE":
            stack.append(tuple(since(marks.pop())))
        elif name in _TUPLES:
            stack.append(tuple(since(len(stack) - _TUPLES[name])))
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "BINPERSID":
            stack.append(_Storage(stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            called, arguments = since(len(stack) - 2)
            stack.append(_Made(called, arguments))
        elif name == "BUILD":
            fields = stack.pop()
            stack[-1].fields = fields if isinstance(fields, dict) else {}  # a module's own state may be anything
        elif name in ("SETITEMS", "SETITEM"):
            pairs = since(marks.pop() if name == "SETITEMS" else len(stack) - 2)
            stack[-1].update(_pairs(pairs))
        elif name in ("APPENDS", "APPEND"):
            items = since(marks.pop() if name == "APPENDS" else len(stack) - 1)
            stack[-1].extend(items)
        else:
            raise ValueError(f"its pickle has the opcode {name}, which TorchScript does not write")
    (found,) = stack
    return found


def _pairs(items: list[Any]) -> list[tuple[str, Any]]:
    """Keys with their values. Only texts are keys: to hash a nest of tuples could take for ever."""
    keys, values = items[::2], items[1::2]
    if not all(isinstance(key, str) for key in keys):
        raise ValueError("a key in its pickle is no text")
    return list(zip(keys, values, strict=True))


def _tensors(tree: Any, members: _Members) -> dict[str, Tensor]:
    """The tensors below a module by name; altogether they have no more bytes than the file."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    waiting, left = [("", tree)], members.size
    while waiting:
        name, thing = waiting.pop()
        if not isinstance(thing, _Made) or id(thing) in seen:
            continue
        seen.add(id(thing))
        if thing.name == _TENSOR:
            found[name] = _tensor(thing, members, left)
            left -= found[name].nbytes
        waiting += [(f"{name}.{key}" if name else key, value) for key, value in reversed(thing.fields.items())]
    return found


def _tensor(made: _Made, members: _Members, left: int) -> Tensor:
    """A tensor of at most `left` bytes."""
    import torch

    storage, offset, shape, strides = made.arguments[:4]
    _, kind, key, _, _ = storage.about
    if not all(type(number) is int and number >= 0 for number in (offset, *shape, *strides)):
        raise ValueError("a tensor has a shape that no tensor has")
    numbers = torch.frombuffer(members.storage(key), dtype=getattr(torch, _TYPES[kind]))
    # A tensor that repeats its numbers could claim any shape.
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if math.prod(shape) * numbers.element_size() > left or last >= len(numbers):
        raise ValueError("a tensor is larger than the file or than its storage")
    return numbers.as_strided(shape, strides, offset).clone(memory_format=torch.contiguous_format)
