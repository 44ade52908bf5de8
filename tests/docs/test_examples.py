"""The documentation's commands run, in order, page by page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# A fence with `{ .not-run }` needs data, a network, or another machine.
_COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PAGES = {
    path.relative_to(DOCS).as_posix(): found
    for path in sorted(DOCS.rglob("*.md"))
    if (found := _COMMANDS.findall(path.read_text()))
}


def test_pages_have_examples() -> None:
    assert {"first-benchmark.md", "tutorials/train.md"} <= set(_PAGES)


@pytest.mark.parametrize("page", _PAGES)
def test_the_commands_of_a_page_run(page: str, tmp_path: Path) -> None:
    for name, module in {"bridgebench": "-m bridgebench ", "python": ""}.items():
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    script = "set -e\n" + "\n".join(_PAGES[page])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
