"""Methods are found by name, ours and plug-ins, without torch; mistakes get one clear sentence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from bridgebench import methods
from bridgebench.methods.core import weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.stargan.editor import StarGAN

OURS = {"attack", "bridgegan", "copy", "identity", "oracle", "stargan"}


def test_our_methods_are_registered():
    assert set(methods.names()) >= OURS
    for name in OURS:
        card = methods.card(name)
        assert card.name == name
        assert card.modes <= {"label", "reference"}
        assert card.trainable == (card.kind == "method")
        assert methods.editor_class(name).card is card


def test_cards_come_without_torch():
    code = (
        "import sys; from bridgebench import methods; [methods.card(n) for n in methods.names()];"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wrong_names():
    with pytest.raises(UserError, match=r"no method 'stragan'. Did you mean 'stargan'\?"):
        methods.card("stragan")
    with pytest.raises(UserError, match=r"no method 'zzz'\. `bridgebench methods`"):
        methods.load("zzz")


@pytest.fixture
def plug_in(monkeypatch):
    """Registers one more entry point."""

    def register(value: str) -> None:
        found = {"theirs": EntryPoint("theirs", value, methods.GROUP)}
        monkeypatch.setattr(methods, "_entries", lambda: found)

    return register


def test_broken_plug_ins(plug_in):
    plug_in("no_such_package:CARD")
    with pytest.raises(UserError, match="'theirs' cannot be imported from no_such_package:CARD: No module named"):
        methods.card("theirs")
    plug_in("json:dumps")
    with pytest.raises(UserError, match=r"json:dumps of method 'theirs' must be a bridgebench\.methods\.MethodCard"):
        methods.card("theirs")


def test_what_names_no_training_class_cannot_be_trained(monkeypatch):
    with pytest.raises(UserError, match=r"^Identity cannot be trained by bridgebench: its card names no"):
        methods.start_training("identity", {}, ("A",), 32, 1, 0)
    lost = replace(methods.card("stargan"), training="bridgebench.methods.stargan.training:Lost")
    monkeypatch.setattr(methods, "card", lambda name: lost)
    with pytest.raises(UserError, match=r"'stargan' names the class bridgebench\..*:Lost, which cannot be imported"):
        methods.start_training("stargan", {}, ("A",), 32, 1, 0)


def test_a_trained_method_needs_weights():
    with pytest.raises(UserError, match="'stargan' needs trained weights"):
        methods.load("stargan")


def test_weights_round_trip(tmp_path):
    editor = StarGAN(attributes=["A", "B"], image_size=32, width=4, blocks=1)
    path = tmp_path / "a.safetensors"
    methods.save(editor, path, {"recipe": "none"})
    loaded = methods.load("stargan", path)
    assert (loaded.config, loaded.attributes, loaded.training) == (editor.config, ("A", "B"), False)
    for name, tensor in editor.state_dict().items():
        assert tensor.equal(loaded.state_dict()[name])
    assert weights.header(path)["card"] == {"recipe": "none"}
    with pytest.raises(UserError, match="holds weights of 'stargan', not of 'bridgegan'"):
        methods.load("bridgegan", path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_damaged_weights(tmp_path, share):
    path = tmp_path / "a.safetensors"
    methods.save(StarGAN(attributes=["A"], image_size=32, width=4, blocks=1), path, {})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match=r"a\.safetensors"):
        methods.load("stargan", path)
    with pytest.raises(UserError, match="no weights file"):
        methods.load("stargan", tmp_path / "none.safetensors")


def test_tensors_that_do_not_fit_their_header(tmp_path):
    editor = StarGAN(attributes=["A"], image_size=32, width=4, blocks=1)
    editor.config["blocks"] = 2
    methods.save(editor, tmp_path / "a.safetensors", {})
    with pytest.raises(UserError, match="do not fit its header"):
        methods.load("stargan", tmp_path / "a.safetensors")
