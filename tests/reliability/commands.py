"""The command line as a process that can be killed: started as a user does, or forked off one that has imported all."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parent.parent.parent
_SCRIPT = """
import sys
sys.path.insert(0, {root!r})
{before}
from bridgebench.__main__ import run
if __name__ == "__main__":
    run()
"""


# What benchmarks and trainings import as they go.
_IMPORTS = (
    "bridgebench.harness.commands.main",
    "bridgebench.harness.benchmark.runner",
    "bridgebench.harness.benchmark.cells",
    "bridgebench.harness.benchmark.cost",
    "bridgebench.harness.train.loop",
    "bridgebench.harness.data.faces",
    "bridgebench.methods.controls",
    "bridgebench.methods.stargan",
    "bridgebench.methods.contract",
    "bridgebench.harness.data.prepare",
    "bridgebench.reports.publish",
    "rich.progress",
    "PIL.PngImagePlugin",
    "scipy.linalg",
    "scipy.stats",
)


def import_all() -> None:
    """Imports it here, for all that is forked off this process."""
    for name in _IMPORTS:
        importlib.import_module(name)


def warm_up(before: str, arguments: Sequence[str]) -> None:
    """Runs a command here, so that all that it imports on its way is there for what is forked off this process.

    Raises:
        RuntimeError: it failed, or left a thread behind, by which forked processes may hang.
    """
    from bridgebench.harness.commands import main

    _fork_workers()
    with contextlib.ExitStack() as stack:
        nothing = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(contextlib.redirect_stdout(nothing))
        stack.enter_context(contextlib.redirect_stderr(nothing))
        try:
            exec(before)
            code = main.main([*arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    if code or threading.active_count() > 1:
        raise RuntimeError(f"{arguments} cannot be forked: exit code {code}, threads {threading.enumerate()}")


def start(script: Path, before: str, arguments: Sequence[str]) -> subprocess.Popen:
    """The command as users start it, in a session of its own.

    Args:
        script: file to write, for the command's processes import it.
        before: Python lines that are run first.
        arguments: of the command.
    """
    script.write_text(_SCRIPT.format(root=str(ROOT), before=before))
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Forked:
    """The same, forked off this process and its workers off it: seconds of importing are saved, all else is the same.

    It has the methods of :class:`subprocess.Popen` that the kills need. This process must have one thread alone.
    """

    def __init__(self, before: str, arguments: Sequence[str]) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _become(before, arguments)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None:
            process, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if process else None
        return self.returncode

    def wait(self, timeout: float = float("inf")) -> int:
        """The exit code, once it has ended.

        Raises:
            TimeoutExpired: it has not.
        """
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a forked command", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Sends it a signal if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _become(before: str, arguments: Sequence[str]) -> None:
    code = 70
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        from bridgebench.__main__ import run

        _fork_workers()
        exec(before)
        sys.argv = ["bridgebench", *arguments]
        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(code)


def _fork_workers() -> None:
    """Workers are forked off this process, too."""
    from bridgebench.harness.processes import pool

    forking = multiprocessing.get_context("fork")
    pool.multiprocessing = SimpleNamespace(get_context=lambda _: forking)  # type: ignore[assignment]
