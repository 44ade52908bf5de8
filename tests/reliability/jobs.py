"""What worker processes are given to do: light, for every worker imports it anew."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def die_once(job: tuple[str, int]) -> int:
    """Returns its number; the first worker that is at number 1 is killed over it."""
    folder, number = job
    if number == 1 and not (Path(folder) / "died").exists():
        (Path(folder) / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int) -> int:
    """Returns its number; every worker that is at number 1 is killed over it."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def linger(folder: str) -> None:
    """Leaves its process's id, and works on."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(300)
