"""Official StarGAN v2 checkpoints are imported, whatever their sizes; what is wrong with a file is told."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from pathlib import Path

import official_numbers
import pytest
import torch
from hostile_checkpoints import assert_hostile_files_are_refused
from official_numbers import WEIGHTS

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.starganv2.editor import StarGANv2
from bridgebench.methods.starganv2.networks import Discriminator
from bridgebench.methods.starganv2.official import import_official

MANIFEST = official_numbers.manifest("starganv2")
SIZES = {"width": 4, "widest": 8, "style_size": 8, "noise_size": 4, "mapping_width": 16}
NETWORKS = ("generator", "mapping_network", "style_encoder")


def narrow(domains: int = 3, high_pass: float = 0.0) -> dict[str, OrderedDict[str, torch.Tensor]]:
    """A checkpoint in the official layout of a narrow network, with weights of another salt."""
    editor = StarGANv2(attributes=["x"] * domains, image_size=64, high_pass=high_pass, **SIZES)
    states = {}
    for name in (*NETWORKS, *(["fan"] if high_pass else [])):
        shapes = {key: list(tensor.shape) for key, tensor in editor.get_submodule(name).state_dict().items()}
        arrays = WEIGHTS.make_state("another salt", shapes)
        states[name] = OrderedDict((key, torch.from_numpy(array)) for key, array in arrays.items())
    if high_pass:
        states["generator"]["hpf.filter"] = editor.generator.hpf.filter
    return states


def saved(folder: Path, states: dict) -> Path:
    path = folder / "100000_nets_ema.ckpt"
    torch.save(states, path)
    return path


def test_import_reads_sizes_and_weights(tmp_path):
    states = narrow()
    discriminator = {"discriminator": Discriminator(3, 64, 4, 8).state_dict()}
    editor = import_official([saved(tmp_path, states | discriminator)], attributes=["a", "b", "c"])
    expected = {"attributes": ["a", "b", "c"], "attribute": None, "image_size": 64, "high_pass": 0.0, **SIZES}
    assert (editor.config, editor.training) == (expected, False)
    for name in NETWORKS:
        found = editor.get_submodule(name).state_dict()
        assert list(found) == list(states[name])
        assert all(torch.equal(found[key], tensor) for key, tensor in states[name].items())
    rebuilt = StarGANv2(**json.loads(json.dumps(editor.config)))
    rebuilt.load_state_dict(editor.state_dict())
    images = torch.from_numpy(WEIGHTS.images("another salt", 2, 64, 64))
    given = {"labels": torch.eye(3)[[1, 0]], "noise": torch.randn(2, 4)}
    assert torch.equal(rebuilt.eval().edit(images, **given), editor.edit(images, **given))


def test_names_of_domains(tmp_path):
    path = saved(tmp_path, narrow(domains=2))
    assert import_official([path], ["Bangs"]).editable == ("Bangs",)
    assert import_official([path], ["no", "yes"]).editable == ("no", "yes")
    with pytest.raises(UserError, match="2 domains: name them"):
        import_official([path])
    with pytest.raises(UserError, match="2 domains, but 3 attributes"):
        import_official([path], ["a", "b", "c"])


def test_high_pass_skip_and_landmarks(tmp_path):
    states = narrow(domains=2, high_pass=2.0)
    whole = import_official([saved(tmp_path, states)], ["Bangs"])
    assert whole.config["high_pass"] == pytest.approx(2.0)
    fan = states.pop("fan")
    with pytest.raises(UserError, match=r"give the file wing\.ckpt too"):
        import_official([saved(tmp_path, states)], ["Bangs"])
    del states["generator"]["hpf.filter"]  # as the published file; official then: 1
    for name in NETWORKS:
        states[name] = OrderedDict((f"module.{key}", tensor) for key, tensor in states[name].items())
    wing = tmp_path / "wing.ckpt"
    torch.save({"state_dict": {**fan, "more": torch.zeros(1)}, "epoch": 3}, wing)
    editor = import_official([wing, saved(tmp_path, states)], ["Bangs"])
    assert editor.config["high_pass"] == 1.0
    assert torch.equal(editor.generator.hpf.filter, 2 * whole.generator.hpf.filter)
    assert torch.equal(editor.fan.l0.weight, fan["l0.weight"])
    del fan["l0.weight"]
    torch.save({"state_dict": fan}, wing)
    with pytest.raises(UserError, match=r"\(fan\).*missing: l0.weight"):
        import_official([wing, saved(tmp_path, states)], ["Bangs"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["generator"].pop("decode.1.norm1.fc.bias"), r"\(generator\).*missing: decode.1.norm1.fc.bias"),
        (lambda s: s["generator"].pop("from_rgb.weight"), r"\(generator\).*missing: from_rgb.weight"),
        (lambda s: s["mapping_network"].update(more=torch.zeros(1)), r"\(mapping_network\).*unknown: more"),
        (lambda s: s["style_encoder"].update({"unshared.1.bias": torch.zeros(3)}), "another shape: unshared.1.bias 3"),
        (lambda s: s["generator"].update({"from_rgb.weight": torch.zeros(3)}), "another shape: from_rgb.weight"),
        (lambda s: s["style_encoder"].clear(), "'style_encoder' .* is not a state dict"),
        (lambda s: s.pop("mapping_network"), "missing: mapping_network"),
        (lambda s: s.update(other={}), "unknown: other"),
        (lambda s: s.pop("generator"), "one file <step>_nets_ema.ckpt"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, message):
    states = copy.deepcopy(narrow())
    change(states)
    with pytest.raises(UserError, match=message):
        import_official([saved(tmp_path, states)], ["a", "b", "c"])


def test_damaged_and_evil_files(tmp_path):
    torch.save([1], tmp_path / "list.ckpt")
    with pytest.raises(UserError, match=r"list\.ckpt"):
        import_official([tmp_path / "list.ckpt"])
    assert_hostile_files_are_refused(
        saved(tmp_path, narrow()),
        lambda path: import_official([path]),
        lambda evil: {"generator": {"from_rgb.weight": evil}},
    )


@pytest.mark.parametrize("configuration", ["afhq256", "celebahq256", "bangs128", "bangs128_hpf"])
def test_the_official_networks_have_our_names_and_shapes(configuration):
    size = 128 if "bangs" in configuration else 256
    domains = 3 if "afhq" in configuration else 2
    high_pass = 1.0 if "celeba" in configuration or "hpf" in configuration else 0.0
    with torch.device("meta"):
        editor = StarGANv2(attributes=["x"] * domains, image_size=size, high_pass=high_pass)
        networks = dict(editor.named_children()) | {"discriminator": Discriminator(domains, size, 2**14 // size)}
    for name, network in networks.items():
        shapes = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
        assert shapes == MANIFEST["fan" if name == "fan" else f"{configuration}.{name}"]
