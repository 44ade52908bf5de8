"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Gives back what the C library keeps of freed memory, where it keeps any (glibc); a moment's work.

    It keeps what networks leave behind, many blocks of a few MiB, though what comes next (features, covariances) asks
    the system for large ones of its own.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
