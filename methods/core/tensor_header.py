"""The header of a safetensors file, read without torch and believed only as far as the file bears it out.

The format: 8 bytes with the length of the header (little-endian), the header (JSON: dtype, shape and place of each
tensor, and free text under ``__metadata__``), then the bytes of the tensors without gaps or overlaps.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from bridgebench.methods.core.reading import parse_json

_LARGEST_HEADER = 16 * 2**20
# What networks are made of, with their bytes a number.
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class TensorHeader(NamedTuple):
    """Shapes by name, and the free text."""

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]


def read_tensor_header(path: Path) -> TensorHeader:
    """The header of a safetensors file.

    Raises:
        ValueError: it is damaged, or says anything but what the file holds.
        OSError: it cannot be read.
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
    if not isinstance(entry, dict) or entry.get("dtype") not in _SIZES:
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
