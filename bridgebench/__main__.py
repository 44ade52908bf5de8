"""``python -m bridgebench`` is the same command as ``bridgebench``."""

from __future__ import annotations

import multiprocessing
import os
import sys

from bridgebench.harness.processes.stopping import Stopped, guarded

_STOPPED = (130, 143)


def run() -> None:
    """The command as a process. After Ctrl-C or SIGTERM all is kept and closed, so that it need not wait, for seconds
    on a busy machine, until the interpreter has freed the networks."""
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
