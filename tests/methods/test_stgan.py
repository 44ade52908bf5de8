"""STGAN in training and in use: it learns, resumes to the bit, and imports official checkpoints."""

from __future__ import annotations

import copy
import json
import math
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from methods import contract
from methods.errors import UnsupportedMode, UserError
from methods.stgan.editor import STGAN
from methods.stgan.official import OFFICIAL_ATTRIBUTES, import_official
from methods.stgan.recipe import STGANRecipe
from methods.stgan.training import STGANTraining
from methods.training import Batch

REFERENCE = Path(__file__).parents[1] / "reference"
WEIGHTS = SimpleNamespace(**runpy.run_path(str(REFERENCE / "weights.py")))
MANIFEST = json.loads((REFERENCE / "stgan" / "manifest.json").read_text())
TINY = {"attributes": ["A", "B"], "image_size": 32, "width": 4, "unit_width": 3, "layers": 3}
SMALL = STGANRecipe(
    width=4,
    unit_width=4,
    layers=3,
    discriminator_width=4,
    discriminator_hidden=8,
    batch_size=4,
    n_critic=2,
    learning_rate=2e-3,
    norm_momentum=0.1,
)


# --- training ---------------------------------------------------------------------------------------------------------


def data(seed: int = 0):
    """Endless batches of smooth random images whose first label is their brightness; counts what it gave."""
    generator = torch.Generator().manual_seed(seed)

    def next_batch() -> Batch:
        next_batch.given += 1
        coarse = torch.rand(SMALL.batch_size, 3, 4, 4, generator=generator) * 2 - 1
        labels = (torch.rand(SMALL.batch_size, 2, generator=generator) < 0.5).float()
        images = F.interpolate(coarse * 0.5 + (labels[:, :1, None, None] - 0.5), size=32, mode="bilinear")
        return Batch(images, labels, torch.arange(SMALL.batch_size))

    next_batch.given = 0
    return next_batch


def small(seed: int = 0, recipe: STGANRecipe = SMALL) -> STGANTraining:
    return STGANTraining(recipe, ("Bright", "Other"), 32, dataset_size=100, seed=seed)


def test_training_learns_to_reconstruct():
    training, next_batch = small(recipe=replace(SMALL, n_critic=1)), data()
    generator, held_out = torch.Generator().manual_seed(0), data(seed=1)()

    def error() -> float:
        back = training.editor.edit(held_out.images, held_out.labels, source_labels=held_out.labels)
        return float((back - held_out.images).abs().mean())

    before = error()
    logs = [training.step(next_batch, generator) for _ in range(30)]
    assert error() < 0.7 * before
    assert all(value.ndim == 0 and not value.requires_grad for value in logs[-1].values())
    assert all(math.isfinite(value) for entry in logs for value in entry.values())


def test_an_iteration():
    """Two updates of D and one of G, each with a batch of its own; batch norm sees what the official one sees."""
    training, next_batch = small(), data()
    training.step(next_batch, torch.Generator().manual_seed(0))
    assert next_batch.given == 3
    seen = {name: int(value) for name, value in training.editor.state_dict().items() if name.endswith("tracked")}
    assert all(count == (3 if "encoder" in name else 4) for name, count in seen.items())
    assert not training.editor.training
    assert training.editor.generator.encoder.levels[0][1].momentum == 0.1


def test_half_precision_computes_the_same_losses():
    logs = [small(recipe=replace(SMALL, n_critic=1, precision=precision)) for precision in ("32", "bf16")]
    exact, half = (made.step(data(), torch.Generator().manual_seed(0)) for made in logs)
    assert exact.keys() == half.keys()
    for name, value in exact.items():
        torch.testing.assert_close(half[name], value, rtol=3e-2, atol=5e-3)


def test_training_resumes_to_the_very_bit():
    next_batch, generator = data(), torch.Generator().manual_seed(1)
    training, resumed = small(), small(seed=9)
    for _ in range(2):
        training.step(next_batch, generator)
    resumed.load_state_dict(training.state_dict())
    for name, optimizer in training.optimizers.items():
        resumed.optimizers[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again, batch = torch.Generator().set_state(generator.get_state()), next_batch()
    assert training.step(lambda: batch, generator) == resumed.step(lambda: batch, again)
    assert resumed.iteration == 3
    ours, theirs = training.state_dict(), resumed.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if name != "_extra_state")


def test_the_seed_decides_the_initial_weights():
    before = torch.random.get_rng_state()
    one, same, other = (small(seed).editor.generator.decoder.last.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())
    assert float(one.detach().abs().max()) <= (6 / (16 * (one.shape[0] + 3))) ** 0.5  # Glorot's uniform bound


def test_learning_rates():
    recipe = STGANRecipe()
    assert recipe.rate_at(94_699) == 2e-4
    assert recipe.rate_at(94_700) == recipe.rate_at(189_399) == pytest.approx(2e-5)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"unit_widht": 32}, r"\[train.stgan\] has the unknown key 'unit_widht'. Did you mean 'unit_width'\?"),
        ({"weights": {"penality": 1.0}}, "weights has the unknown key 'penality'"),
        ({"layers": 1}, "layers = 1 does not fit"),
        ({"norm_momentum": 0}, "norm_momentum = 0 does not fit"),
        ({"layers": 5}, "cannot be trained with 5 layers at 32 pixels: take fewer"),
        ({"layers": 6}, "multiple of 64, not 32"),
    ],
)
def test_recipe_mistakes(table, message):
    with pytest.raises(UserError, match=message):
        STGAN.start_training(table, ("A",), 32, 1, 0)


# --- edits ------------------------------------------------------------------------------------------------------------


def test_the_contract():
    torch.manual_seed(0)
    results = contract.run_contract(STGAN(**TINY))
    assert [result for result in results if result.required and not result.passed] == []


def test_strength():
    torch.manual_seed(0)
    editor = STGAN(**TINY).eval()
    images, source = torch.rand(2, 3, 32, 32) * 2 - 1, torch.tensor([[0, 1], [1, 1]])
    target = torch.tensor([[1, 1], [1, 0]])
    given = {"labels": target, "source_labels": source}
    assert torch.equal(editor.edit(images, **given), editor.edit(images, **given, strength=2))
    assert not torch.equal(editor.edit(images, **given), editor.edit(images, **given, strength=1))
    none = editor.edit(images, labels=source, source_labels=source)
    torch.testing.assert_close(editor.edit(images, **given, strength=-1), none)


def test_edit_errors():
    editor = STGAN(**TINY).eval()
    images, labels = torch.zeros(1, 3, 32, 32), torch.zeros(1, 2)
    with pytest.raises(UnsupportedMode, match="no reference edit; it has: label"):
        editor.edit(images, reference=images, source_labels=labels)
    with pytest.raises(UserError, match="multiples of 8, not 28x32"):
        editor.edit(images[:, :, :28], labels, source_labels=labels)
    with pytest.raises(UserError, match=r"strength must lie in \[-1.0, 3.0\], not 4"):
        editor.edit(images, labels, source_labels=labels, strength=4)
    with pytest.raises(UserError, match="multiple of 32, not 48"):
        STGAN(image_size=48)
    with pytest.raises(UserError, match="2 layers or more"):
        STGAN(layers=1)


# --- official checkpoints ---------------------------------------------------------------------------------------------


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
    monkeypatch.setattr("methods.official_files.read_tensorflow", lambda prefix: asked.append(str(prefix)) or tensors)
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
