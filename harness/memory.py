"""Memory that was freed: given back to the system, or kept for the next iteration."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of malloc.h


def keep_freed() -> None:
    """Lets the C library (glibc) keep what is freed, for a loop that asks for the same again and again.

    Otherwise every large map comes fresh from the system, page by page, which takes 7 % of an iteration on a CPU.
    """
    if sys.platform == "linux":
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(_MMAP_MAX, 0)
            set_option(_TRIM_THRESHOLD, 2**31 - 1)


def give_back() -> None:
    """Gives back what the C library keeps of freed memory, where it keeps any (glibc); a moment's work.

    It keeps what networks leave behind, many blocks of a few MiB, though what comes next (features, covariances) asks
    the system for large ones of its own.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
