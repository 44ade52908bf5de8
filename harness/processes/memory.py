"""Memory that was freed: given back to the system, or kept for the next iteration."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of malloc.h


def keep_freed() -> None:
    """Lets the C library (glibc) keep what is freed, for a loop that asks for the same again and again.

    Otherwise every large map comes fresh from the system, page by page, which takes 7 % of an iteration on a CPU.
    """
    set_option = _of_glibc("mallopt")
    if set_option:
        set_option(_MMAP_MAX, 0)
        set_option(_TRIM_THRESHOLD, 2**31 - 1)


def give_back() -> None:
    """Gives back what the C library keeps of freed memory, where it keeps any (glibc); a moment's work.

    It keeps what networks leave behind, many blocks of a few MiB, though what comes next (features, covariances) asks
    the system for large ones of its own.
    """
    trim = _of_glibc("malloc_trim")
    if trim:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None where there is none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
