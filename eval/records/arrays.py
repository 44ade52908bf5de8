"""Files of named NumPy arrays (.npz): strangers may have made them, so nothing is unpickled and sizes are checked."""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST = 2**28  # bytes of all arrays together
_LAST_SIGN = 0x10FFFF  # of Unicode; numpy fails at a larger one
# What zipfile and NumPy raise on damaged files.
DAMAGED = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, SyntaxError, RuntimeError, OverflowError),
    *(zipfile.BadZipFile, tokenize.TokenError, zlib.error),
)


def pack(arrays: dict[str, NDArray[Any]]) -> bytes:
    """The compressed file of named arrays; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    named: dict[str, Any] = {**arrays}
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of such a file, by name.

    Raises:
        one of `DAMAGED`: the file is damaged, or not such a file.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > _LARGEST:
            raise ValueError(f"its arrays take more than {_LARGEST:,} bytes")
        return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def _array(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of an unknown format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    rest = data[file.tell() :]
    if any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("an array of no shape")
    if fortran or dtype.hasobject or math.prod(shape) * dtype.itemsize != len(rest):
        raise ValueError("an array that is not what its header says")
    if dtype.kind not in "biufU":  # numbers and texts
        raise ValueError(f"an array of the type {dtype}")
    if dtype.kind == "U":
        signs = np.frombuffer(rest, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if ((signs > _LAST_SIGN) | ((signs >= 0xD800) & (signs < 0xE000))).any():
            raise ValueError("a text in it holds what is no character")
    return np.frombuffer(rest, dtype).reshape(shape)
