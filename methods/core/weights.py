"""Weights files: safetensors files whose header says to which method they belong and how they were made.

The header's metadata holds ``method``, ``config`` (JSON: the arguments of the network's constructor) and ``card``
(JSON: recipe, data, training time, and what a reader should know), so that a file needs no second one beside it.
Reading a header does not import torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, refuse_page, write_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn

    Network = TypeVar("Network", bound=nn.Module)

FORMAT = "bridgebench-1"
ZOO = Path(__file__).parents[1] / "zoo"
_LARGEST_HEADER = 16 * 2**20  # bytes
# The number types that networks are made of, with the bytes of a number.
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class TensorHeader(NamedTuple):
    """The header of a safetensors file: the shape of each tensor by its name, and the metadata."""

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]


def read_tensor_header(path: Path) -> TensorHeader:
    """The header of a safetensors file; no tensor is read, and nothing is believed that the file does not bear out.

    The format: 8 bytes with the length of the header (little-endian), the header (JSON: type, shape and place of each
    tensor, and the metadata under ``__metadata__``), then the bytes of the tensors without gaps or overlaps. The
    library's own ``safe_open`` imports numpy whatever framework it is asked for, and `bridgebench methods` must start
    without it.

    Raises:
        ValueError: the file is damaged: its header is too long or no valid JSON, or tensors have an unknown type,
            overlap, leave gaps, or take more or fewer bytes than the file has.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LARGEST_HEADER, size - 8):
            raise ValueError("no safetensors header")
        entries = parse_json(file.read(length))
    if not isinstance(entries, dict):
        raise ValueError("its header is no table")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata is no table of texts")
    places = {name: _place(name, entry) for name, entry in entries.items()}
    end = 0
    for start, stop, _ in sorted(places.values()):
        if start != end:
            raise ValueError("its tensors overlap or leave gaps")
        end = stop
    if end != size - 8 - length:
        raise ValueError(f"its tensors take {end:,} bytes, the file has {size - 8 - length:,}")
    return TensorHeader({name: shape for name, (_, _, shape) in places.items()}, metadata)


def _place(name: str, entry: Any) -> tuple[int, int, tuple[int, ...]]:
    """Where a tensor starts and stops, and its shape."""
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str) or entry["dtype"] not in _SIZES:
        raise ValueError(f"the tensor {name:.60} has no known type")
    shape, offsets = _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        raise ValueError(f"the tensor {name:.60} has no shape or place")
    if offsets[1] - offsets[0] != math.prod(shape) * _SIZES[entry["dtype"]]:
        raise ValueError(f"the tensor {name:.60} does not fill its place")
    return offsets[0], offsets[1], shape


def _sizes(value: Any) -> tuple[int, ...] | None:
    """A list of numbers from 0 that a file can hold; None if it is anything else."""
    if isinstance(value, list) and all(type(each) is int and 0 <= each < 2**48 for each in value):
        return tuple(value)
    return None


def header(path: str | Path) -> dict[str, Any]:
    """The metadata of a weights file: ``{"method": str, "config": dict, "card": dict}``; reads no tensor.

    Raises:
        UserError: the file is missing, damaged, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no weights file {path}; `bridgebench methods` shows which weights are at hand.")
    try:
        refuse_page(path)
        fields = read_tensor_header(path).metadata
        if fields.get("format") != FORMAT:
            raise ValueError("its header does not say bridgebench")
        config, card = (parse_json(fields.get(key, "")) for key in ("config", "card"))
        if "method" not in fields or not isinstance(config, dict) or not isinstance(card, dict):
            raise ValueError("its metadata is damaged")
        return {"method": fields["method"], "config": config, "card": card}
    except (ValueError, OSError) as error:
        raise UserError(
            f"{path} is not a bridgebench weights file ({error}); `bridgebench weights import` turns official "
            "checkpoints into one."
        ) from error


def attributes_of(config: dict[str, Any]) -> tuple[str, ...]:
    """The attributes in the configuration of a weights file; none where it holds something else."""
    found = config.get("attributes")
    return tuple(found) if isinstance(found, list) and all(isinstance(name, str) for name in found) else ()


def save_tensors(path: str | Path, tensors: dict[str, Tensor], method: str, config: dict, card: dict) -> None:
    """Writes tensors with the header of :func:`header`, all of the file or nothing."""
    from safetensors.torch import save

    metadata = {"format": FORMAT, "method": method, "config": json.dumps(config), "card": json.dumps(card)}
    write_bytes(
        Path(path), save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    )


def load_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name; floating-point tensors become float32.

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


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """A block in which modules may register so many parameters: a false header may ask for endless layers."""
    from torch.nn.modules.module import register_module_parameter_registration_hook

    registered = 0

    def registers(module: Any, name: str, parameter: Any) -> None:
        nonlocal registered
        registered += 1
        if registered > count:
            raise ValueError("it asks for more layers than the file has")

    hook = register_module_parameter_registration_hook(registers)
    try:
        yield
    finally:
        hook.remove()


def build(path: str | Path, kind: Callable[..., Network], config: dict[str, Any]) -> Network:
    """A network made from the configuration of a weights file, with the file's tensors.

    The network is first made without memory (on torch's "meta" device) and its shapes are compared with the file's. So
    a false header cannot ask for more memory than the file has tensors, nor for layers without end.

    Raises:
        UserError: configuration and tensors do not fit each other.
    """
    import torch

    shapes = read_tensor_header(Path(path)).shapes
    try:
        with torch.device("meta"), _at_most(4 * len(shapes) + 100):
            expected = kind(**config).state_dict()
        for name in expected | shapes:
            if name not in shapes or name not in expected or shapes[name] != expected[name].shape:
                raise ValueError(f"{name:.60} is missing, too much or of another shape")
        tensors = load_tensors(path)
        for name, tensor in tensors.items():
            if tensor.is_floating_point() != expected[name].is_floating_point():
                raise ValueError(f"{name} is of another type")
        network = kind(**config)
        network.load_state_dict(tensors)
    except UserError:
        raise
    except Exception as error:  # a constructor may raise anything when it gets what it was not made for
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"The tensors of {path} do not fit its header ({reason}); train or import it again.") from error
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise UserError(f"The tensor {name} of {path} has values that are not finite; train or import it again.")
    return network
