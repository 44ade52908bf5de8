"""Methods in environments of their own: a program that keeps to the protocol, and programs that do not."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bridgebench.methods import MethodCard
from bridgebench.methods.command import CommandEditor, CommandFailed, command_editor
from bridgebench.methods.contract import run_contract
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.foreign import card_of, facts_of

# Darkens by the labels that are turned on; everything else is put before or into it by the tests.
PROGRAM = """
import json, os, sys, time
{before}
for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({hello}), flush=True)
        continue
    {first}
    data = open(request["source"], "rb").read()
    open(request["edit"], "wb").write(data)
    print(json.dumps({{"task": request["task"]}}), flush=True)
"""
Start = Callable[..., CommandEditor]
NAMES = ("Young", "Smiling", "Bangs")


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a program that copies the source, with changes."""

    def start(before: str = "", hello: str = '{"hello": 1}', first: str = "pass", **card) -> CommandEditor:  # type: ignore[no-untyped-def]
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.format(before=before, hello=hello, first=first))
        command = (sys.executable, "-S", str(path))
        modes = frozenset({"label", "reference"})
        found = MethodCard("theirs", "Theirs", modes, "method", "", "", command=command, **card)
        return command_editor(found)(attributes=NAMES, image_size=32)

    return start


def batch(count: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """8-bit images, target and source labels."""
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), generator=draw).float() / 127.5 - 1
    return images, torch.tensor([[1.0, 0, 1]] * count), torch.tensor([[0.0, 1, 1]] * count)


def edit(editor: CommandEditor, **options) -> Tensor:  # type: ignore[no-untyped-def]
    images, labels, source = batch()
    return editor.edit(images, labels, source_labels=source, **options)


def test_images_go_there_and_back_without_loss_and_leave_nothing(start: Start) -> None:
    editor = start()
    torch.testing.assert_close(edit(editor), batch()[0], atol=1e-6, rtol=0)
    folder, process = editor._place(), editor.process
    assert list(folder.iterdir()) == []
    assert process is not None and Path(f"/proc/{process}").exists()
    editor.end()
    assert editor.process is None and not Path(f"/proc/{process}").exists()
    assert torch.equal(edit(editor), edit(editor))  # it is started again
    process = editor.process
    del editor
    assert not folder.exists() and not Path(f"/proc/{process}").exists()


def test_a_request_says_all_that_the_edit_is(start: Start, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    editor = start(first=f"open({str(seen)!r}, 'a').write(line)", stochastic=True, strength=(0.0, 1.0, 2.0))
    images, labels, source = batch(1)
    generator = torch.Generator().manual_seed(1)
    for _ in range(2):
        editor.edit(images, labels, images, source_labels=source, strength=1.5, generator=generator)
    first, second = map(json.loads, seen.read_text().splitlines())
    seeds = first.pop("seed"), second.pop("seed")
    assert first == {
        "task": "1", "mode": "reference", "source": "1-source.png", "reference": "1-reference.png",
        "turn_on": ["Young"], "turn_off": ["Smiling"], "source_labels": ["Smiling", "Bangs"],
        "target_labels": ["Young", "Bangs"], "strength": 1.5, "mix": None, "edit": "1-edit.png",
    }  # fmt: skip
    assert seeds[0] != seeds[1] and all(0 <= seed < 2**31 for seed in seeds)
    with pytest.raises(UserError, match="does not weigh the label against the reference"):
        editor.edit(images, labels, images, source_labels=source, mix=0.5)
    with pytest.raises(UserError, match="was started for images of 32 pixels, not 64x64"):
        editor.edit(torch.zeros(1, 3, 64, 64), labels, source_labels=source)


def test_it_keeps_the_contract(start: Start) -> None:
    results = run_contract(start())
    assert len(results) > 20
    assert [(result.name, result.detail) for result in results if not result.passed] == []


def test_what_it_says_of_itself(start: Start) -> None:
    editor = start(hello='{"hello": 1, "editable": ["Bangs", "Nose"], "options": ["mix", "eval"], "parameters": 12}')
    assert (editor.editable, editor.options, editor.known_parameters) == (("Bangs",), {"mix"}, 12)
    assert start().editable == NAMES and start().known_parameters is None


def test_our_python_does_not_lead_it_astray(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    said = '{"hello": 1, "options": [str("PYTHONPATH" in os.environ), os.getcwd()]}'
    editor = start(hello=said)
    assert editor._said()["options"] == ["False", str(editor._place())]


def test_one_that_dies_is_started_again(start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    once = tmp_path / "once"
    last_words = "print('no luck', file=sys.stderr, flush=True); os._exit(3)"
    die = f"if not os.path.exists({str(once)!r}): open({str(once)!r}, 'w'); {last_words}"
    editor = start(first=die)
    torch.testing.assert_close(edit(editor), batch()[0], atol=1e-6, rtol=0)
    assert "The program of Theirs died (exit code 3; its last words: no luck); it is started again" in caplog.text


def test_but_not_for_ever(start: Start, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="Theirs died twice over one edit: SIGKILL; its last words: bye"):
        edit(start(first="print('bye', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"))
    count = tmp_path / "count"
    every_second = f"open({str(count)!r}, 'a').write('x'); os.path.getsize({str(count)!r}) % 2 and os._exit(1)"
    editor = start(first=every_second)
    images, labels, source = batch(5)
    with pytest.raises(CommandFailed, match="Theirs died 4 times: exit code 1"):
        editor.edit(images, labels, source_labels=source)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"before": "raise ImportError('numpy')"}, "ended before it answered: exit code 1; its last words: .*numpy"),
        ({"before": "print('Loading ...', flush=True)"}, "it wrote 'Loading ...' to standard output, which is"),
        ({"hello": "{'hello': 2}"}, r"answered \{'hello': 2\} where \{\"hello\": 1\} was expected"),
        ({"hello": "{'hello': 1, 'editable': 'Bangs'}"}, '"editable" must be a list of names'),
        ({"hello": "{'hello': 1, 'parameters': -1}"}, '"parameters" must be a number'),
        ({"first": "print('[1]', flush=True)"}, r"it wrote '\[1\]' to standard output"),
        ({"first": "print('{\"task\": \"7\"}', flush=True)"}, "to the task 1"),
        ({"first": "print('x' * 2**21, flush=True)"}, "its answer is longer than 1,048,576 bytes"),
        (
            {"first": "print(json.dumps({'task': '1', 'error': 'no \\x1b[31mface'}), flush=True)"},
            r"did not make an edit: no \?\[31mface",
        ),
        (
            {"first": "print('{\"task\": \"1\"}', flush=True); continue"},
            r"it said that 1-edit.png is made, which is not usable \(No such file",
        ),
        ({"first": "os.symlink(request['source'], request['edit']); print('{\"task\": \"1\"}', flush=True); continue"},
         "not usable .a symbolic link"),
    ],
)  # fmt: skip
def test_whatever_else_it_does_is_told_in_a_sentence(start: Start, change: dict[str, str], told: str) -> None:
    editor = start(**change)
    with pytest.raises(CommandFailed, match=told) as error:
        edit(editor)
    assert len(str(error.value)) < 1500 and str(error.value).isprintable()
    assert editor.process is None or "error" in change.get("first", "")  # an edit that cannot be made ends nothing


def test_one_that_takes_too_long_is_ended_with_its_children(start: Start, tmp_path: Path) -> None:
    child = tmp_path / "child"
    sleeper = "import subprocess; child = subprocess.Popen(['sleep', '1000']); "
    editor = start(first=f"{sleeper}open({str(child)!r}, 'w').write(str(child.pid)); time.sleep(1000)")
    _ = editor.editable
    editor.time_limit = 3.0
    with pytest.raises(CommandFailed, match="took more than 3 seconds for a batch, and was ended"):
        edit(editor)
    time.sleep(0.1)
    status = Path(f"/proc/{child.read_text()}/status")
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_a_command_that_is_not_there() -> None:
    card = MethodCard("theirs", "Theirs", frozenset({"label"}), "method", "", "", command=("/no/such/python",))
    with pytest.raises(CommandFailed, match=r"cannot be started .*/no/such/python: No such file or directory"):
        edit(command_editor(card)(attributes=NAMES, image_size=32))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"command": ["python3", ""]}, "command must be a list of texts"),
        ({"command": "python"}, None),  # a text is a list of texts of one letter: nothing that could be started
        ({"command": ["./python"]}, "must begin with an absolute path"),
        ({"command": ["python"], "editor": "a:B"}, "an editor or a command, and not both"),
        ({"command": []}, "an editor or a command, and not both"),
        ({"training": "a:B"}, "has no training"),
        ({"needs": ["truth"]}, "nothing can be attached"),
    ],
)
def test_cards_with_commands_are_checked(change: dict, told: str | None) -> None:
    card = MethodCard("theirs", "Theirs", frozenset({"label"}), "method", "", "", command=("python", "edit.py"))
    facts = facts_of(card)
    assert facts is not None and card_of(facts) == card
    if told is not None:
        with pytest.raises((ValueError, TypeError), match=told):
            card_of(facts | change)
