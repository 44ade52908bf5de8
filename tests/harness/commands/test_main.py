"""The command line: every call is there, answers fast and without torch, and tells mistakes in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from bridgebench.harness.commands.main import main
from bridgebench.harness.commands.options import EXIT_CODES
from bridgebench.harness.profiles.profile import shipped_profiles
from bridgebench.methods import names
from bridgebench.methods.core.weights import save_tensors

Write = Callable[..., Path]
CALLS = (
    "methods", "profiles", "benchmark", "status", "train", "report", "verify", "merge", "edit", "demo", "contract",
    "init", "data preview", "data check", "data prepare", "data export",
    "weights import", "weights fetch", "weights show", "weights card", "weights reproduce",
    "records verify", "records sign", "records pack", "records unpack",
    "tasks export", "tasks check", "score",
)  # fmt: skip
LIGHT = (["--help"], ["benchmark", "-h"], ["methods"], ["methods", "--variants"], ["profiles"], ["--version"])


@pytest.mark.parametrize("call", CALLS)
def test_every_call_has_help(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*call.split(), "--help"]) == 0
    found = capsys.readouterr().out
    assert f"Usage: bridgebench {call}" in found
    assert main([*call.split(), "-h"]) == 0
    assert capsys.readouterr().out == found
    words = " ".join(found.split())
    assert "-q, --quiet" in words and "-v, --verbose" in words and EXIT_CODES in words
    assert ("--json" in words) == ("JSON fields:" in words)


def test_the_first_help_lists_each_command_in_a_whole_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    found = capsys.readouterr().out
    listed = found.partition("Commands:")[2].partition("Environment:")[0].splitlines()
    commands = {line.split()[0]: line for line in listed if line.strip()}
    assert commands.keys() == {call.split()[0] for call in CALLS}  # no old name is among them
    assert not [line for line in commands.values() if line.endswith("...")]
    for name in ("PROFILE", "DATA_ROOT", "WORKERS", "CACHE"):
        assert f"BRIDGEBENCH_{name}" in found


@pytest.mark.parametrize("arguments", LIGHT)
def test_what_only_tells_something_imports_no_heavy_package(arguments: list[str]) -> None:
    script = (
        "import sys; from bridgebench.harness.commands.main import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'PIL', 'jinja2', 'dask', 'lightning', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bridgebench" in done.stdout or "bridgegan" in done.stdout or "faces64" in done.stdout


def test_methods_lists_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    lines = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert lines[0].split()[:4] == ["method", "kind", "modes", "parameters"]
    assert [line.split()[0] for line in lines[2:]] == names()  # one row a method


def test_variants_are_rows_of_their_own_when_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained = Path("runs/train/bridgegan-seed1-mine/weights.safetensors")
    save_tensors(trained, {"a": torch.zeros(3, 4), "b": torch.zeros(5)}, "bridgegan", {}, {"profile": "mine"})
    assert main(["methods", "--variants"]) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines()[2:]]
    assert ["bridgegan", "-", "faces64"] in rows and ["bridgegan", "bridgegan-seed1", "mine"] in rows
    assert main(["methods", "--json"]) == 0
    found = {method["name"]: method for method in json.loads(capsys.readouterr().out)["methods"]}
    assert found["bridgegan"]["modes"] == ["label", "reference"] and found["identity"]["weights"] == []
    files = {(file["profile"], file["variant"]): file for file in found["bridgegan"]["weights"]}
    variant, shipped = files["mine", "bridgegan-seed1"], files["faces64", None]
    assert (variant["file"], variant["parameters"], variant["shipped"]) == (str(trained), 17, False)
    tensors = load_file(shipped["file"])
    assert shipped["parameters"] == sum(tensor.size for tensor in tensors.values()) and shipped["shipped"]


def test_profiles_says_what_each_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "--json"]) == 0
    found = {profile["name"]: profile for profile in json.loads(capsys.readouterr().out)["profiles"]}
    assert list(found) == shipped_profiles()
    assert all(profile["about"] for profile in found.values())
    drawn = {name for name, profile in found.items() if profile["drawn"]}
    assert {"faces64", "animals64"} <= drawn and not {"celeba64", "afhq256"} & drawn
    assert (found["celeba128"]["train"], found["faces64"]["edited"]) == (None, 400)
    assert main(["profiles"]) == 0
    text = capsys.readouterr().out
    assert all(name in text and profile["about"] in text for name, profile in found.items())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"bridgebench {version('bridgebench')}\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("bridgebench prof", {"profiles"}),
        ("bridgebench benchmark --profile smo", {"smoke"}),
        ("bridgebench train starganv", {"starganv2"}),
        ("bridgebench contract ident", {"identity"}),
    ],
)
def test_a_shell_completes_what_is_typed(typed: str, completed: set[str]) -> None:
    shell = {"_BRIDGEBENCH_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "bridgebench"], env=os.environ | shell, capture_output=True, text=True, check=False
    )
    assert {line.strip() for line in done.stdout.splitlines()} == completed, done.stderr


def test_the_contract_and_its_old_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "identity", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kept"] and found["method"] == "identity"
    assert {"name", "passed", "detail", "required"} == found["points"][0].keys()
    assert main(["check", "identity"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("pass  ") >= 20
    assert captured.err.splitlines() == [
        "`check METHOD` is now `contract METHOD`; the old spelling works in this version, and no longer in the next."
    ]


def test_options_of_the_environment_are_checked_as_those_that_are_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBENCH_PROFILE", "smok")
    assert main(["benchmark"]) == 2
    assert "Did you mean 'smoke'" in capsys.readouterr().err
    monkeypatch.setenv("BRIDGEBENCH_WORKERS", "many")
    assert main(["benchmark", "--profile", "smoke"]) == 2
    assert "BRIDGEBENCH_WORKERS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["nonsense"], ["nonsense"]),
        (["train"], ["needs the name of a METHOD", "--help"]),
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
        (["contract", "idenity"], ["Did you mean 'identity'"]),
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
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bridgebench.harness.weights.show.installed_methods", interrupted)
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
