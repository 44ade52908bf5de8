"""What worker processes are given to do: light, for every worker imports it anew."""

from __future__ import annotations

import os
import signal
import socket
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
        time.sleep(0.5)  # so that the worker has handed over what it did before
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def stop_parent(end: socket.socket) -> None:
    """Stops the process that it was forked off, as foreign code may, and works on."""
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(300)


def linger(folder: str) -> None:
    """Leaves its process's id, and works on."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(300)
