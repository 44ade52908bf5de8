"""``python -m bridgebench`` is the same command as ``bridgebench``."""

from __future__ import annotations

import io
import multiprocessing
import os
import sys

from bridgebench.harness.processes.stopping import Stopped, guarded

_STOPPED = (130, 143)


def run() -> None:
    """The command as a process. After Ctrl-C or SIGTERM all is kept and closed, so that it need not wait, for seconds
    on a busy machine, until the interpreter has freed the networks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where there is no terminal at all
            stream.reconfigure(errors="replace")  # a terminal of another language shows what it can
    try:
        with guarded():
            from bridgebench.harness.commands.main import main

            code = main()
    except Stopped as stopped:  # before the command began
        print(f"bridgebench: {stopped}", file=sys.stderr)
        code = stopped.code
    if code in _STOPPED:
        sys.stdout.flush()
        sys.stderr.flush()
        for process in multiprocessing.active_children():  # one that was just being started
            process.kill()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
