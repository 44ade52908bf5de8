"""The template of a workflow for contributed records: its check runs here, on good archives and on bad ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_parts import part, write_whole

from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / ".github/templates/contributed-records.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    return yaml.safe_load(TEMPLATE.read_text())


def test_strangers_files_get_no_rights(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["check"]
    assert "pull_request_target" not in TEMPLATE.read_text() and "secrets." not in TEMPLATE.read_text()
    for job in workflow["jobs"].values():
        checkout = next(step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout"))
        assert checkout["with"]["persist-credentials"] is False
        # What a pull request names comes into a script by the environment alone.
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_good_archives_pass_and_bad_ones_do_not(workflow: dict[str, Any], tmp_path: Path) -> None:
    step = next(step for step in workflow["jobs"]["check"]["steps"] if "archives" in step.get("name", ""))
    program = tmp_path / "bin/bridgebench"
    program.parent.mkdir()
    # Making cells again takes a real run: tests/harness/benchmark has it. Here it says that it cannot.
    program.write_text(f'#!/bin/sh\n[ "$1" = verify ] && exit 2\nexec "{sys.executable}" -m bridgebench "$@"\n')
    program.chmod(0o755)
    repository = tmp_path / "repository"
    (repository / "records").mkdir(parents=True)

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(repository), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "base")
    base = git("rev-parse", "HEAD")
    run = part(write_whole(tmp_path / "whole"), tmp_path / "run", "stargan", "identity")
    good = zipped(RunDirectory(run))

    def check(files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
        git("checkout", "-q", "--detach", base)
        for name, data in files.items():
            (repository / "records" / name).parent.mkdir(exist_ok=True)
            (repository / "records" / name).write_bytes(data)
        git("add", "-A", "records")
        git("commit", "-q", "-m", "more")
        environment = {
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "BASE": base,
        }
        return subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=repository,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = check({"lab-a.zip": good})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "files are as the manifest says" in done.stdout
    assert "::warning file=records/lab-a.zip" in done.stdout
    assert (repository / "pages/index.html").is_file()
    altered = good.replace(b"stargan", b"stargun")
    names = {"$(touch evil).zip": good, "a\nb.zip": good, ".hidden.zip": good, "page.html": b"<script>"}
    done = check({"lab-b.zip": altered, **names})
    assert done.returncode == 1
    assert done.stdout.count("::error::") == len(names)
    assert not list(tmp_path.rglob("evil"))
