"""The user's folder for what can be made again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from bridgebench.methods.core.errors import UserError


def default_cache_dir() -> Path:
    """$BRIDGEBENCH_CACHE, or the system's folder for caches: on Linux ``$XDG_CACHE_HOME/bridgebench``.

    An existing ``~/.cache/bridgebench`` is used in any case, so that images drawn or decoded into it are not lost.

    Raises:
        UserError: the user has no home folder, as in some containers.
    """
    if named := os.environ.get("BRIDGEBENCH_CACHE"):
        return Path(named).expanduser()
    try:
        home = Path.home()
    except RuntimeError as error:
        raise UserError("You have no home folder: set BRIDGEBENCH_CACHE to a folder for drawn images.") from error
    before = home / ".cache" / "bridgebench"
    return before if before.is_dir() else platformdirs.user_cache_path("bridgebench")
