"""Weights files from strangers: refused in clear words before memory is taken, and their cards command nothing."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_judges import small_judges

from bridgebench import methods
from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.harness.commands.main import main
from bridgebench.harness.weights.card_page import card_text
from bridgebench.harness.weights.show import show_weights
from bridgebench.methods import editor_class
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header, read_tensor_header


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "good.safetensors"
    editor = editor_class("stargan")(attributes=["A", "B"], image_size=32, width=2, blocks=1)
    methods.save(editor, path, {"origin": "a test"})
    return path


def rewritten(weights: Path, out: Path, change: Callable[[dict[str, Any]], Any], extra: bytes = b"") -> Path:
    """The weights file with another header."""
    data = weights.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    fields = json.loads(data[8 : 8 + length])
    change(fields)
    text = json.dumps(fields).encode()
    out.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :] + extra)
    return out


def first(fields: dict[str, Any]) -> dict[str, Any]:
    return next(value for name, value in fields.items() if name != "__metadata__")


def configured(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(fields: dict[str, Any]) -> None:
        text = fields["__metadata__"]["config"]
        fields["__metadata__"]["config"] = json.dumps({**json.loads(text), **changes})

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda fields: first(fields).update(data_offsets=[0, 10**9]), "does not fill its place"),
        (lambda fields: first(fields).update(data_offsets=[8, 8 + 4 * 2]), "overlap or leave gaps|does not fill"),
        (lambda fields: first(fields).update(shape=[2**40, 2**40]), "does not fill its place"),
        (lambda fields: first(fields).update(shape=[-1]), "has no shape"),
        (lambda fields: first(fields).update(dtype="OBJECT"), "no known type"),
        (lambda fields: first(fields).update(dtype={}), "no known type"),
        (lambda fields: fields.update(extra={"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}), "overlap"),
        (lambda fields: fields.update(__metadata__="text"), "metadata"),
        (lambda fields: fields["__metadata__"].update(config="[" * 5000 + "]" * 5000), "nested too deeply"),
        (lambda fields: fields["__metadata__"].update(config="7"), "metadata is damaged"),
    ],
)
def test_a_header_that_the_file_does_not_bear_out_is_refused(
    weights: Path, tmp_path: Path, change: Callable, told: str
) -> None:
    path = rewritten(weights, tmp_path / "bad.safetensors", change)
    with pytest.raises(UserError, match=told):
        methods.load("stargan", path)


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 10**9},
        {"width": -3},
        {"blocks": 3},
        {"blocks": 2**63},
        {"image_size": "x"},
        {"attributes": 5},
        {"shell": "true"},
    ],
)
def test_a_configuration_that_does_not_fit_the_tensors_is_refused_before_memory_is_taken(
    weights: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = rewritten(weights, tmp_path / "bad.safetensors", configured(**changes))
    with pytest.raises(UserError, match="do not fit its header"):
        methods.load("stargan", path)


def test_an_oversized_header_a_tail_and_a_short_file_are_refused(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    for data in (struct.pack("<Q", 2**62) + b"{}", b"", b"\x00" * 7, struct.pack("<Q", 100) + b"{}"):
        path.write_bytes(data)
        with pytest.raises(UserError, match="not a bridgebench weights file"):
            header(path)
    with pytest.raises(ValueError, match="the file has"):
        read_tensor_header(rewritten(weights, path, lambda fields: None, extra=b"tail"))


def test_weights_of_another_type_or_not_finite_are_refused(weights: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors, path = load_file(weights), tmp_path / "bad.safetensors"
    name = next(iter(tensors))
    metadata = read_tensor_header(weights).metadata
    for value, told in ((tensors[name].to(torch.int64), "another type"), (tensors[name] * torch.nan, "not finite")):
        save_file({**tensors, name: value}, path, metadata)
        with pytest.raises(UserError, match=told):
            methods.load("stargan", path)


def test_what_a_card_says_cannot_command_the_terminal(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    card = json.dumps({"origin": "\x1b[2Jgone", "html": "<script>"})
    path = rewritten(weights, tmp_path / "odd.safetensors", lambda fields: fields["__metadata__"].update(card=card))
    assert "\x1b" not in show_weights(path)
    assert main(["report", str(tmp_path / "\x1b[2J")]) == 2
    assert "\x1b" not in capsys.readouterr().err


def carded(card: Any) -> Callable[[dict[str, Any]], None]:
    def change(fields: dict[str, Any]) -> None:
        fields["__metadata__"]["card"] = json.dumps(card)

    return change


@pytest.mark.parametrize(
    "card",
    [
        {"code": 5}, {"data": [1]}, {"recipe": "x"}, {"recipe": [1]}, {"curves": {"iterations": [1], "losses": 7}},
        {"curves": {"iterations": [1, 2], "losses": {"a": [1]}}}, {"scores": {"test": {"mean": "x"}}}, {"packages": 3},
        {"processes": "many"}, {"scores": 1},
    ],
)  # fmt: skip
def test_a_card_that_is_none_of_ours_is_told(
    weights: Path, tmp_path: Path, card: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = rewritten(weights, tmp_path / "odd.safetensors", carded(card))
    assert main(["weights", "show", str(path)]) == 0
    capsys.readouterr()
    assert main(["weights", "card", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"bridgebench: The card in {path} is none of a training of ours")
    assert not path.with_suffix(".md").exists()


def test_a_configuration_of_anything_is_shown(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for attributes in (5, [1, None], {"a": 1}, "A"):
        path = rewritten(weights, tmp_path / "odd.safetensors", configured(attributes=attributes, **{"a\nb": 1}))
        assert main(["weights", "show", str(path)]) == 0
        assert '\n"a\\nb"' in capsys.readouterr().out


def test_what_a_card_says_stays_in_its_place_on_the_page(weights: Path, tmp_path: Path) -> None:
    evil = "x`|\n```\n<script>alert(1)</script> ![](http://x/y) [a](javascript:alert(1))"
    path = rewritten(
        weights, tmp_path / "evil.safetensors", carded({"origin": evil, "recipe": {evil: evil, "a": {evil: 1}}})
    )
    page = card_text(path)
    table, _, recipe = page.partition("## Recipe")
    assert "<script>" not in table
    assert "](" not in table.replace("\\](", "")
    assert recipe.count("\n```") == 2  # the fence of the recipe alone
    assert all(" = " in line for line in recipe.split("\n```")[1].splitlines()[1:])


@pytest.mark.parametrize("attributes", [5, [1, None], {"A": 1}, "AB", None])
def test_a_judge_of_no_attributes_is_told(tmp_path: Path, attributes: Any) -> None:
    judge = small_judges(tmp_path, "a test", ("A", "B"))["classifier"]
    path = rewritten(judge, tmp_path / "odd.safetensors", configured(attributes=attributes))
    with pytest.raises(UserError, match="reads , but the profile asks for A, B"):
        load_classifier(path, ("A", "B"))
