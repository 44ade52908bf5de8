"""STGAN: the import of official checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import official_numbers
import pytest
import torch
import torch.nn.functional as F
from official_numbers import WEIGHTS

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.stgan.editor import STGAN
from bridgebench.methods.stgan.official import OFFICIAL_ATTRIBUTES, import_official

MANIFEST = official_numbers.manifest("stgan")


def checkpoint(discriminator: bool = True) -> dict[str, np.ndarray]:
    """The official tensors at a sixteenth of the official widths, with another salt."""
    shapes = {name: shape for scope in MANIFEST.values() for name, shape in scope.items()}
    narrow = {name: [size // 64 * 4 + size % 64 for size in shape] for name, shape in shapes.items()}
    tensors = WEIGHTS.make_state(
        "another salt", narrow, out_dim=lambda name, _: "HWOI" if "Conv2d_transpose" in name else -1
    )
    return {name: array for name, array in tensors.items() if discriminator or not name.startswith("D/")}


def saved(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    np.savez(path, **tensors)
    return path


def functional(tensors: dict[str, np.ndarray], x: torch.Tensor, difference: torch.Tensor) -> torch.Tensor:
    """The official generator, written down straight from its tables (SPEC), without a module."""

    def conv(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        weight = torch.from_numpy(tensors[f"{name}/weights"]).permute(3, 2, 0, 1)
        bias = tensors.get(f"{name}/biases")
        apply = F.conv_transpose2d if "transpose" in name else F.conv2d
        return apply(x, weight, None if bias is None else torch.from_numpy(bias), stride, 1)

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        get = {
            leaf: tensors[f"{name}/BatchNorm/{leaf}"] for leaf in ("moving_mean", "moving_variance", "gamma", "beta")
        }
        mean, variance, gamma, beta = (torch.from_numpy(value).view(1, -1, 1, 1) for value in get.values())
        return (x - mean) / (variance + 1e-3).sqrt() * gamma + beta

    def label(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, difference[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)

    def number(index: int) -> str:
        return f"_{index}" if index else ""

    encoded = []
    for index in range(5):
        x = F.leaky_relu(norm(conv(x, f"Genc/Conv{number(index)}", 2), f"Genc/Conv{number(index)}"), 0.2)
        encoded.append(x)
    state, features = x, []
    for index in range(4):
        skip, gates = encoded[3 - index], [f"Gstu/Conv{number(3 * index + gate)}" for gate in range(3)]
        hidden = conv(label(state), f"Gstu/Conv2d_transpose{number(index)}", 2)
        reset, update = (conv(torch.cat([skip, hidden], 1), name).sigmoid() for name in gates[:2])
        state = reset * hidden
        features.append((1 - update) * hidden + update * conv(torch.cat([skip, state], 1), gates[2]).tanh())
    for index in range(4):
        name = f"Gdec/Conv2d_transpose{number(index)}"
        x = torch.cat([norm(conv(label(x), name, 2), name).relu(), features[index]], dim=1)
    return conv(label(x), "Gdec/Conv2d_transpose_4", 2).tanh()


def test_import_of_an_official_checkpoint(tmp_path):
    tensors = checkpoint()
    slots = {f"{name}/Adam{slot}": array for name, array in tensors.items() for slot in ("", "_1")}
    rest = {"counter/counter": np.int64(7), "beta1_power": np.float32(0.5), "beta2_power_1": np.float32(0.5)}
    path = saved(tmp_path / "all.npz", {f"{name}:0": array for name, array in {**tensors, **slots, **rest}.items()})
    editor = import_official([path])
    sizes = {"image_size": 128, "width": 4, "unit_width": 4, "layers": 5}
    assert editor.config == {"attributes": list(OFFICIAL_ATTRIBUTES), **sizes}
    assert not editor.training
    assert all(parameter.requires_grad for parameter in editor.parameters())  # it can be trained further
    images = torch.from_numpy(WEIGHTS.images("another salt", 2, 64, 64))
    source, target = torch.zeros(2, 13), torch.eye(13)[[7, 0]]
    edit = editor.edit(images, target, source_labels=source, strength=1)
    torch.testing.assert_close(edit, functional(tensors, images, target), rtol=1e-4, atol=1e-5)
    rebuilt = STGAN(**json.loads(json.dumps(editor.config)))
    rebuilt.load_state_dict(editor.state_dict())


def test_import_of_a_tensorflow_checkpoint(monkeypatch):
    """Its three files, or what their names share; what reads it needs tensorflow and stands in for it here."""
    asked = []
    tensors = checkpoint(discriminator=False)
    monkeypatch.setattr(
        "bridgebench.methods.official.files.read_tensorflow", lambda prefix: asked.append(str(prefix)) or tensors
    )
    prefix = "run/Epoch_(199).ckpt"
    names = [f"attribute {column}" for column in range(13)]
    for paths in ([prefix], [f"{prefix}.{end}" for end in ("index", "meta", "data-00000-of-00001")]):
        editor = import_official(paths, names)
    assert (editor.attributes, editor.image_size) == (tuple(names), 128)
    assert asked == [prefix, prefix]


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("Genc/Conv/weights", None, "missing: Genc/Conv/weights"),
        ("Genc/Conv_4/weights", None, "missing: Genc/Conv_4/weights"),
        ("Genc/Conv_2/BatchNorm/moving_mean", None, "missing: Genc/Conv_2/BatchNorm/moving_mean"),
        ("Gstu/Conv_11/biases", None, "missing: Gstu/Conv_11/biases"),
        ("Gdec/Conv2d_transpose/weights", None, "missing: Gdec/Conv2d_transpose/weights"),
        ("Gdec/Conv2d_transpose_9/weights", np.zeros((4, 4, 3, 3)), "missing: Genc/Conv_5/weights"),
        ("Gstu/Conv_12/weights", np.zeros((3, 3, 8, 4)), "unknown: Gstu/Conv_12/weights"),
        ("Gstu/Conv_3/weights", np.zeros((3, 3, 8, 4)), "another shape: Gstu/Conv_3/weights 3x3x8x4 instead of"),
        ("Genc/Conv/weights", np.zeros(4), "Genc/Conv/weights of .* has the shape"),
        ("Gstu/Conv/biases", np.zeros(32, np.int64), "Gstu/Conv/biases of .* holds int64"),
        ("D/flatten_fully_connected/fully_connected/weights", np.zeros((7, 4)), "D/flatten.* has the shape"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tmp_path, name, array, message):
    tensors = checkpoint() if name.startswith("D/") else checkpoint(discriminator=False)
    tensors |= {name: array}
    path = saved(tmp_path / "odd.npz", {key: value for key, value in tensors.items() if value is not None})
    with pytest.raises(UserError, match=message):
        import_official([path])


def test_files_and_attributes_that_do_not_fit(tmp_path):
    path = saved(tmp_path / "whole.npz", checkpoint(discriminator=False))
    with pytest.raises(UserError, match="13 label columns, but 2 attributes"):
        import_official([path], ["Bangs", "Male"])
    (tmp_path / "cut.npz").write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"cut\.npz is damaged"):
        import_official([tmp_path / "cut.npz"])
    np.savez(tmp_path / "evil.npz", **{"Genc/Conv/weights": np.array([print], dtype=object)})
    with pytest.raises(UserError, match=r"evil\.npz is damaged or not a checkpoint of this kind"):
        import_official([tmp_path / "evil.npz"])
    with pytest.raises(UserError, match="no checkpoint file"):
        import_official([tmp_path / "none.npz"])
    for paths in ([], [path, tmp_path / "cut.npz"]):
        with pytest.raises(UserError, match="one checkpoint"):
            import_official(paths)
    other = {
        name: array for name, array in checkpoint(discriminator=False).items() if not name.startswith("Genc/Conv/")
    }
    with pytest.raises(UserError, match="missing: Genc/Conv/weights"):
        import_official([saved(tmp_path / "part.npz", other)])
