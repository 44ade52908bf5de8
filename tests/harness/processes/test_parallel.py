"""Many jobs on all cores: what happens to the workers when their caller is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CALLER = """
import os, sys, time
from bridgebench.harness.processes import parallel

def work(job):
    with open(f"{sys.argv[1]}/{os.getpid()}", "w"):
        time.sleep(0.02)

if __name__ == "__main__":
    parallel.cores = lambda: 2
    for _ in parallel.run_all(work, range(10_000), title="", worth=1, chunk=1):
        pass
"""


def alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are looked up in /proc, which Linux has")
def test_workers_end_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    script, found = tmp_path / "caller.py", tmp_path / "workers"
    script.write_text(CALLER)
    found.mkdir()
    caller = subprocess.Popen([sys.executable, script, found])
    try:
        deadline = time.monotonic() + 60
        while len(workers := list(found.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        caller.kill()
        caller.wait()
    assert len(workers) == 2
    pids = [int(worker.name) for worker in workers]
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in pids if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left
