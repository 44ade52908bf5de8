"""Messages between two processes of which one runs somebody else's code: data only, and no wait without an end."""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.methods.core.files import parse_json

Arrays = Mapping[str, NDArray[Any]]
_LENGTH = struct.Struct("<I")
_LONGEST_FACTS = 2**22
_TYPES = ("float32", "float64", "int64", "uint8")


class Silent(Exception):
    """The other process did not answer, or did not take what was sent, in time."""


class Closed(Exception):
    """One of the two ends is closed, or the other process is dead."""


class Channel:
    """One end of a connection. A message has facts (a JSON object) and named arrays of the types in `_TYPES`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, facts: Mapping[str, Any], arrays: Arrays, *, until: float = math.inf) -> None:
        """Sends a message.

        Args:
            facts: JSON-able.
            arrays: their names must not depend on the other process.
            until: instant of the monotonic clock, in seconds, after which nobody waits any more.

        Raises:
            Silent: the other process did not take the message in time.
            Closed: the other process is gone.
        """
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        shapes = [(name, str(array.dtype), array.shape) for name, array in whole.items()]
        head = json.dumps([facts, shapes]).encode()
        for part in (_LENGTH.pack(len(head)) + head, *(array.tobytes() for array in whole.values())):
            try:
                self._set_timeout(until)
                self._end.sendall(part)
            except TimeoutError:
                raise Silent from None
            except OSError:
                raise Closed from None

    def receive(self, *, largest: int = 2**33, until: float = math.inf) -> tuple[dict[str, Any], Arrays]:
        """The facts and arrays of the next message.

        Args:
            largest: most bytes that the arrays may have together.
            until: instant of the monotonic clock, in seconds, after which nobody waits any more.

        Raises:
            Silent: no whole message came in time.
            Closed: the other process is gone.
            ValueError: what came is no such message.
        """
        length = _LENGTH.unpack(self._read(_LENGTH.size, until))[0]
        if length > _LONGEST_FACTS:
            raise ValueError("the message is too long")
        head = parse_json(bytes(self._read(length, until)))
        try:
            facts, shapes = head
            empty = {str(name): (kind, tuple(map(int, shape))) for name, kind, shape in shapes if kind in _TYPES}
        except (TypeError, ValueError):
            raise ValueError("the message has no facts") from None
        sizes = [math.prod(shape) * np.dtype(kind).itemsize for kind, shape in empty.values()]
        if not isinstance(facts, dict) or len(empty) != len(shapes) or any(n < 0 for _, s in empty.values() for n in s):
            raise ValueError("the message has no facts, or arrays of an unknown type")
        if sum(sizes) > largest:
            raise ValueError(f"the message has {sum(sizes):,} bytes of arrays, at most {largest:,} were expected")
        arrays = {
            name: np.frombuffer(self._read(size, until), kind).reshape(shape)
            for size, (name, (kind, shape)) in zip(sizes, empty.items(), strict=True)
        }
        return facts, arrays

    def close(self) -> None:
        """Closes this end."""
        self._end.close()

    def _read(self, count: int, until: float) -> bytearray:
        found = bytearray(count)
        view, have = memoryview(found), 0
        while have < count:
            try:
                self._set_timeout(until)
                got = self._end.recv_into(view[have:])
            except TimeoutError:
                raise Silent from None
            except OSError:
                raise Closed from None
            if not got:
                raise Closed
            have += got
        return found

    def _set_timeout(self, until: float) -> None:
        if math.isinf(until):
            self._end.settimeout(None)
            return
        left = until - time.monotonic()
        if left <= 0:
            raise Silent
        self._end.settimeout(left)
