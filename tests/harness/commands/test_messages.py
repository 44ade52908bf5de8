"""How loud a command is: --quiet, --verbose, JSON, and what a library's user hears."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.messages import LOGGER, Loudness, start_messages

Write = Callable[..., Path]


@pytest.fixture
def run(tiny_profile: Write, tmp_path: Path) -> list[str]:
    """A call that runs a small benchmark."""
    return ["benchmark", "--profile", str(tiny_profile()), "--out", str(tmp_path / "run"), "--methods", "identity"]


def test_quiet_leaves_the_result_and_warnings(run: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*run, "-q"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("The page: ") and captured.out.count("\n") == 1
    assert captured.err == ""
    assert main(run) == 0
    said = capsys.readouterr().out
    assert " cells, " in said and said.endswith(captured.out)


def test_verbose_says_each_step_on_standard_error(run: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*run, "--verbose"]) == 0
    captured = capsys.readouterr()
    assert " cells, 0 of them done before" in captured.out and captured.out.splitlines()[-1].startswith("The page: ")
    assert "harness.benchmark.runner: Opened the images and the judges (" in captured.err


def test_verbose_shows_where_an_error_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--profile", "smok", "-v"]) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said and said.splitlines()[-1].startswith("bridgebench: There is no profile 'smok'.")


def test_json_stands_alone_on_standard_output(run: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run) == 0
    folder = run[run.index("--out") + 1]
    capsys.readouterr()
    assert main(["verify", folder, "--cells", "1", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["different"], len(found["cells"]), found["cells"][0]["same"]) == (0, 1, True)
    assert "1 cells are made again" in captured.err
    assert main(["report", folder, "--json"]) == 0
    (page,) = json.loads(capsys.readouterr().out)["pages"]
    assert page["finished"] and page["done"] == page["planned"] and Path(page["page"]).is_file()
    assert main(["report", folder, folder, "--diff", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["comparable"] is True


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    start_messages(Loudness())
    LOGGER.info("a\x1b[2Jb\nc")
    assert capsys.readouterr().out == "a?[2Jb\nc\n"


def test_a_second_start_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    start_messages(Loudness())
    start_messages(Loudness(logging.WARNING, aside=True))
    LOGGER.info("not shown")
    LOGGER.warning("shown once")
    assert capsys.readouterr() == ("", "shown once\n")


def test_a_library_is_silent_unless_asked() -> None:
    script = (
        "from bridgebench.harness.processes.messages import LOGGER; LOGGER.info('what goes on'); "
        "import logging; logging.basicConfig(level=logging.INFO, format='%(name)s %(message)s'); LOGGER.info('asked')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "bridgebench asked\n")
