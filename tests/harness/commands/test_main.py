"""The command line: every call is there, answers fast and without torch, and tells mistakes in one sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.harness.commands.main import main

Write = Callable[..., Path]
CALLS = ("methods", "data preview", "train", "benchmark", "report", "edit", "weights import", "weights show", "check")


@pytest.mark.parametrize("call", CALLS)
def test_every_call_has_help(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*call.split(), "--help"]) == 0
    assert f"Usage: bridgebench {call}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["methods"]])
def test_help_and_methods_import_neither_torch_nor_other_heavy_packages(arguments: list[str]) -> None:
    script = (
        "import sys; from bridgebench.harness.commands.main import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'numpy', 'PIL', 'jinja2', 'dask', 'lightning'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "benchmark" in done.stdout or "bridgegan" in done.stdout


def test_methods_lists_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["method", "kind", "modes", "parameters"]
    listed = {line.split()[0] for line in lines[2:]}
    assert {"attack", "bridgegan", "copy", "identity", "oracle", "stargan"} <= listed


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["nonsense"], ["nonsense"]),
        (["train"], ["METHOD", "--help"]),
        (["train", "bridgegn", "--profile", "smoke"], ["no method 'bridgegn'", "Did you mean 'bridgegan'"]),
        (["train", "identity", "--profile", "smoke"], ["'identity' has nothing to train"]),
        (["benchmark", "--profile", "smok"], ["no profile 'smok'", "Did you mean 'smoke'"]),
        (["benchmark", "--profile", "smoke", "--methods", "idenity"], ["Did you mean 'identity'"]),
        (["benchmark", "--profile", "smoke", "--limit", "many"], ["--limit", "integer"]),
        (["benchmark", "--profile", "celeba128", "--methods", "oracle"], ["no true edits"]),
        (["benchmark", "--profile", "smoke", "--backend", "slurm"], ["no back end 'slurm'"]),
        (["report", "nowhere"], ["nowhere is not a run directory"]),
        (["report", "a", "b"], ["a is not a run directory"]),
        (["report", "a", "b", "--out", "c"], ["leave out --out"]),
        (["report", "a", "--diff"], ["takes two run directories"]),
        (["report", "a", "--figures", "--single-file"], ["takes one of"]),
        (["check", "idenity"], ["Did you mean 'identity'"]),
        (["weights", "show", "nowhere.safetensors"], ["no weights file nowhere.safetensors"]),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    parts: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("bridgebench: ") and captured.err.count("\n") == 1
    for part in parts:
        assert part.lower() in captured.err.lower()
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_says_how_to_go_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> list[tuple[str, ...]]:
        raise KeyboardInterrupt

    monkeypatch.setattr("bridgebench.harness.weights.show.method_rows", interrupted)
    assert main(["methods"]) == 130
    assert "same command again" in capsys.readouterr().err


def test_a_folder_of_somebody_else_is_not_written_into(
    tiny_profile: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "holiday.jpg").write_bytes(b"")
    assert main(["benchmark", "--profile", str(tiny_profile()), "--out", str(out)]) == 2
    assert "not a run directory" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["holiday.jpg"]
