"""A pod that is killed and restarted under another host name goes on by itself, to the undisturbed bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 3  # `pods.py` does ten


@pytest.mark.parametrize("part", ["benchmark", "train"])
def test_a_pod_that_is_killed_again_and_again_ends_with_the_undisturbed_bytes(part: str) -> None:
    script = Path(__file__).with_name("pods.py")
    command = [sys.executable, script, "--only", part, "--kills", str(KILLS), "--uncounted"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "kills, the undisturbed bytes" in done.stdout
