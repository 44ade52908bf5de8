"""The user's folder for what can be made again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def default_cache_dir() -> Path:
    """$BRIDGEBENCH_CACHE, or the system's folder for caches: on Linux ``$XDG_CACHE_HOME/bridgebench``.

    An existing ``~/.cache/bridgebench`` is used in any case, so that images drawn or decoded into it are not lost.
    """
    if named := os.environ.get("BRIDGEBENCH_CACHE"):
        return Path(named).expanduser()
    before = Path.home() / ".cache" / "bridgebench"
    return before if before.is_dir() else platformdirs.user_cache_path("bridgebench")
