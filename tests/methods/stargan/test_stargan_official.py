"""StarGAN's official checkpoints: imported whole or refused in clear words."""

from __future__ import annotations

import json
from collections import OrderedDict

import official_numbers
import pytest
import torch
import torch.nn.functional as F
from hostile_checkpoints import assert_hostile_files_are_refused
from official_numbers import WEIGHTS

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.stargan.official import OFFICIAL_ATTRIBUTES, import_official

MANIFEST = official_numbers.manifest("stargan")
TRANSPOSED = {f"main.{index}.weight": {"out_dim": "IOHW"} for index in (15, 18)}


def official(network: str, salt: str = "another salt", counters: bool = True) -> OrderedDict[str, torch.Tensor]:
    arrays = WEIGHTS.make_state(salt, MANIFEST[network], overrides=TRANSPOSED)
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return OrderedDict((k, v) for k, v in state.items() if counters or not k.endswith("num_batches_tracked"))


def functional(state: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The official generator, written down straight from its table (SPEC), without a module."""

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
        scale, shift = (state[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("weight", "bias"))
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    def conv(x: torch.Tensor, name: str, stride: int, padding: int) -> torch.Tensor:
        return F.conv2d(x, state[f"{name}.weight"], stride=stride, padding=padding)

    x = torch.cat([images, labels[:, :, None, None].expand(-1, -1, *images.shape[2:])], dim=1)
    x = norm(conv(x, "main.0", 1, 3), "main.1").relu()
    x = norm(conv(x, "main.3", 2, 1), "main.4").relu()
    x = norm(conv(x, "main.6", 2, 1), "main.7").relu()
    for index in range(9, 15):
        y = norm(conv(x, f"main.{index}.main.0", 1, 1), f"main.{index}.main.1").relu()
        x = x + norm(conv(y, f"main.{index}.main.3", 1, 1), f"main.{index}.main.4")
    for index in (15, 18):
        x = F.conv_transpose2d(x, state[f"main.{index}.weight"], stride=2, padding=1)
        x = norm(x, f"main.{index + 1}").relu()
    return conv(x, "main.21", 1, 3).tanh()


@pytest.mark.parametrize(
    ("network", "attributes", "counters"),
    [("generator", OFFICIAL_ATTRIBUTES, True), ("generator_c14", CELEBA14, False)],
)
def test_import_of_an_official_checkpoint(tmp_path, network, attributes, counters):
    state = official(network, counters=counters)
    path = tmp_path / "200000-G.ckpt"
    torch.save(state, path, _use_new_zipfile_serialization=counters)
    editor = import_official([path])
    assert (editor.attributes, editor.image_size, editor.training) == (attributes, 128, False)
    images = torch.from_numpy(WEIGHTS.images("another salt", 2, 32, 32))
    labels = torch.eye(len(attributes))[:2]
    expected = functional(state, images, labels)
    torch.testing.assert_close(editor.edit(images, labels, source_labels=labels), expected, rtol=1e-3, atol=1e-4)
    rebuilt = StarGAN(**json.loads(json.dumps(editor.config)))
    rebuilt.load_state_dict(editor.state_dict())


def sized(width: int, blocks: int, columns: int) -> dict[str, torch.Tensor]:
    """A checkpoint of other sizes than the official ones."""
    return StarGAN(attributes=["x"] * columns, image_size=32, width=width, blocks=blocks).generator.state_dict()


def test_import_reads_the_sizes(tmp_path):
    torch.save(sized(4, 2, 3), tmp_path / "1-G.ckpt")
    trunk = {f"main.{2 * layer}.{part}": torch.zeros(1) for layer in range(6) for part in ("weight", "bias")}
    head = {"conv1.weight": torch.zeros(1, 8, 3, 3), "conv2.weight": torch.zeros(3, 8, 4, 4)}
    torch.save(trunk | head, tmp_path / "1-D.ckpt")
    editor = import_official([tmp_path / "1-D.ckpt", tmp_path / "1-G.ckpt"], attributes=["A", "B", "C"])
    assert editor.config == {"attributes": ["A", "B", "C"], "image_size": 256, "width": 4, "blocks": 2}
    with pytest.raises(UserError, match="3 label columns: name them"):
        import_official([tmp_path / "1-G.ckpt"])
    with pytest.raises(UserError, match="3 label columns, but 2 attributes"):
        import_official([tmp_path / "1-G.ckpt"], attributes=["A", "B"])
    with pytest.raises(UserError, match="one generator file"):
        import_official([tmp_path / "1-D.ckpt"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("main.0.weight"), "missing: main.0.weight"),
        (lambda state: state.pop("main.9.main.1.bias"), "missing: main.9.main.1.bias"),
        (lambda state: [state.pop(name) for name in list(state) if name.startswith("main.9.")], "missing: main.9.main"),
        (lambda state: state.update(more=torch.zeros(1)), "unknown: more"),
        (lambda state: state.update({"main.3.weight": torch.zeros(1)}), "another shape: main.3.weight"),
        (lambda state: state.update({"main.0.weight": torch.zeros(3)}), "another shape: main.0.weight"),
        (lambda state: state.clear(), "missing"),
    ],
)
def test_incomplete_checkpoints_are_named(tmp_path, change, message):
    state = sized(8, 2, 5)
    change(state)
    torch.save(state, tmp_path / "1-G.ckpt")
    with pytest.raises(UserError, match=message):
        import_official([tmp_path / "1-G.ckpt"])


def test_damaged_and_evil_checkpoints(tmp_path):
    path = tmp_path / "1-G.ckpt"
    torch.save(sized(4, 1, 5), path)
    assert_hostile_files_are_refused(path, lambda path: import_official([path]), lambda evil: {"main.0.weight": evil})
