"""Weights files from official checkpoints, and what they say of themselves."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
import torch

from bridgebench.harness.weights.official import import_weights
from bridgebench.harness.weights.show import show_weights
from bridgebench.methods import load
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header
from bridgebench.methods.stargan.networks import Generator

FIVE = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]


@pytest.fixture
def checkpoint(tmp_path):
    """A small StarGAN generator, saved as the official code saves it."""
    torch.manual_seed(0)
    generator = Generator(5, 4, 1)
    torch.save(generator.state_dict(), tmp_path / "200000-G.ckpt")
    return tmp_path / "200000-G.ckpt"


def test_an_imported_file_is_complete_by_itself(checkpoint, tmp_path):
    out = import_weights("stargan", [checkpoint], tmp_path / "new" / "stargan.safetensors")
    editor = load("stargan", weights=out)
    for name, tensor in torch.load(checkpoint, weights_only=True).items():
        assert torch.equal(editor.generator.state_dict()[name], tensor)
    assert editor.attributes == tuple(FIVE)
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert header(out)["card"]["files"] == [{"name": "200000-G.ckpt", "sha256": sha256}]


def test_attributes_are_the_users_where_given(checkpoint, tmp_path):
    names = ["Smiling", "Bangs", "Male", "Young", "Goatee"]
    out = import_weights("stargan", [checkpoint], tmp_path / "s.safetensors", attributes=names)
    assert load("stargan", weights=out).attributes == tuple(names)


def test_weights_that_are_there_are_not_replaced(checkpoint, tmp_path):
    out = import_weights("stargan", [checkpoint], tmp_path / "s.safetensors")
    before = out.read_bytes()
    with pytest.raises(UserError, match="exists already"):
        import_weights("stargan", [checkpoint], out, attributes=["Smiling", "Bangs", "Male", "Young", "Goatee"])
    assert out.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("method", "files", "out", "sentence"),
    [
        ("identity", ["200000-G.ckpt"], "s.safetensors", "no official checkpoints"),
        ("stargam", ["200000-G.ckpt"], "s.safetensors", "Did you mean 'stargan'"),
        ("stargan", ["none.ckpt"], "s.safetensors", "no checkpoint file"),
        ("stargan", ["200000-G.ckpt"], "s.ckpt", "must end in .safetensors"),
        ("stargan", ["200000-G.ckpt"], "folder.safetensors", "exists already"),
    ],
)
def test_mistakes_are_told_and_write_nothing(checkpoint, tmp_path, method, files, out, sentence):
    (tmp_path / "folder.safetensors").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=sentence):
        import_weights(method, [tmp_path / name for name in files], tmp_path / out)
    assert sorted(tmp_path.rglob("*")) == before


def test_show_tells_the_facts_without_torch(checkpoint, tmp_path):
    out = import_weights("stargan", [checkpoint], tmp_path / "s.safetensors")
    numbers = sum(tensor.numel() for tensor in torch.load(checkpoint, weights_only=True).values())
    facts = dict(line.split(maxsplit=1) for line in show_weights(out).splitlines() if not line.startswith("card"))
    assert facts["method"] == "stargan"
    assert facts["parameters"] == f"{numbers:,}"
    assert facts["attributes"] == ", ".join(FIVE)
    assert "official checkpoint" in show_weights(out)
    code = (
        "import sys, bridgebench.harness.weights.show as room;"
        f"room.show_weights({str(out)!r}); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_no_weights_file_is_told(checkpoint, tmp_path):
    for path in (checkpoint, tmp_path / "none.safetensors"):
        with pytest.raises(UserError, match=path.name):
            show_weights(path)
