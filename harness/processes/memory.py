"""Freed memory: returns it to the system, or keeps it for the next iteration."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # constants of malloc.h


def keep_freed() -> None:
    """Lets the C library (glibc) keep freed memory, for a loop that repeatedly allocates the same sizes.

    Otherwise every large feature map is allocated by the system page by page: 7 % of an iteration on a CPU.
    """
    set_option = _of_glibc("mallopt")
    if set_option:
        set_option(_MMAP_MAX, 0)
        set_option(_TRIM_THRESHOLD, 2**31 - 1)


def give_back() -> None:
    """Returns freed memory that the C library (glibc) still holds to the system; this is fast.

    The library keeps the many blocks of a few MiB that networks free, although the next steps (features, covariances)
    allocate large blocks from the system instead.
    """
    trim = _of_glibc("malloc_trim")
    if trim:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None if there is none with that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
