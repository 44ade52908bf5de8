"""Official BridgeGAN checkpoints: what is imported, and how a file that does not fit is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import official_numbers
import pytest
import torch
from official_numbers import WEIGHTS

from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.bridgegan.official import import_official, official_names
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14

PARTS = {"generator": "Ggenerator", "mapping": "Gmappingnet", "encoder": "Gencoder"}
DENSE = "Gmappingnet/flatten_fully_connected/fully_connected"
TINY = {
    "attributes": ("Bangs", "Male", "Young"),
    "image_size": 32,
    "width": 4,
    "code_channels": 5,
    "spade_hidden": 7,
    "noise_size": 6,
    "encoder_width": 3,
    "encoder_blocks": 2,
    "mapping_blocks": 2,
}


def official_tensors(editor: BridgeGAN) -> dict[str, np.ndarray]:
    """An editor's tensors as TensorFlow would hold them."""
    tensors = {}
    for part, scope in PARTS.items():
        state = editor.get_submodule(part).state_dict()
        for name, title in official_names(editor.get_submodule(part), scope).items():
            array = state[name].numpy()
            tensors[title] = array.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[array.ndim])
    return tensors


@pytest.fixture(scope="module")
def tiny():
    """A small editor whose norms are drawn as well, in eval mode."""
    torch.manual_seed(0)
    editor = BridgeGAN(**TINY).eval()
    with torch.no_grad():
        for parameter in editor.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return editor


def saved(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    np.savez(path, **tensors)
    return path


def edits(editor: BridgeGAN) -> list[torch.Tensor]:
    draw, count = torch.Generator().manual_seed(3), len(editor.attributes)
    shape = (1, 3, editor.image_size, editor.image_size)
    images, reference = (torch.rand(shape, generator=draw) * 2 - 1 for _ in range(2))
    labels, source = (torch.randint(0, 2, (1, count), generator=draw) for _ in range(2))
    given = {"labels": labels, "source_labels": source, "noise": torch.randn(1, editor.noise_size, generator=draw)}
    return [editor.edit(images, **given), editor.edit(images, reference=reference, **given)]


def test_the_official_tensors_give_the_edit_of_weights_put_in_by_hand(tmp_path):
    """By hand: the manifest lists layers in the official order of creation, which is that of our modules."""
    manifest = official_numbers.manifest("bridgegan")
    by_hand, file = BridgeGAN(image_size=128).eval(), {}
    for part in PARTS:
        tensors = WEIGHTS.make_state("another salt", manifest[part], out_dim=-1)
        file |= tensors
        layers: dict[str, dict[str, np.ndarray]] = {}
        for name, array in tensors.items():
            layer, _, leaf = name.rpartition("/")
            layers.setdefault(layer, {})["weight" if leaf in ("weights", "gamma") else "bias"] = array
        network = by_hand.get_submodule(part)
        ours = dict.fromkeys(name.rpartition(".")[0] for name in network.state_dict())
        for path, layer in zip(ours, layers.values(), strict=True):
            weight = torch.from_numpy(layer["weight"])
            weight = weight.permute(3, 2, 0, 1) if weight.ndim == 4 else weight.T if weight.ndim == 2 else weight
            network.get_submodule(path).load_state_dict({"weight": weight, "bias": torch.from_numpy(layer["bias"])})
    imported = import_official([saved(tmp_path / "bridgegan.npz", file)])
    assert imported.attributes == CELEBA14
    assert imported.config == by_hand.config
    for found, expected in zip(edits(imported), edits(by_hand), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_sizes_are_read_and_tensors_land(tiny, tmp_path):
    path = saved(tmp_path / "tiny.npz", official_tensors(tiny))
    imported = import_official([path], TINY["attributes"])
    assert imported.config == tiny.config
    assert not imported.training
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(imported.state_dict()[name], tensor), name
    for found, expected in zip(edits(imported), edits(tiny), strict=True):
        assert torch.equal(found, expected)
    assert all(parameter.requires_grad for parameter in imported.parameters())  # it can be trained further


def test_the_rest_of_a_training_checkpoint_is_passed_over(tiny, tmp_path):
    tensors = official_tensors(tiny)
    slots = {f"{name}/Adam{slot}": array for name, array in tensors.items() for slot in ("", "_1")}
    rest = {
        "Discriminator/Conv/weights": np.zeros((1, 1, 3, 2)),
        "Discriminator/Conv_14/biases": np.zeros(2),
        "Discriminator/flatten_fully_connected_1/fully_connected/weights": np.zeros((2, 3)),
        "Discriminator/Conv/weights/Adam": np.zeros((1, 1, 3, 2)),
        "G_R": np.zeros((10, 6)),
        "counter/counter": np.int64(7),
        **{name: np.float32(0.5) for name in ("beta1_power", "beta2_power", "beta1_power_1", "beta2_power_1")},
    }
    named = {f"{name}:0": array for name, array in {**tensors, **slots, **rest}.items()}
    # np.savez takes names as file names: a colon is fine in a zip file.
    imported = import_official([saved(tmp_path / "all.npz", named)], TINY["attributes"])
    assert torch.equal(imported.encoder.first.weight, tiny.encoder.first.weight)


def test_a_tensorflow_checkpoint_is_one_checkpoint(tiny, monkeypatch):
    """Its three files, or what their names share; what reads it needs tensorflow and stands in for it here."""
    asked = []

    def read(prefix: Path) -> dict[str, np.ndarray]:
        asked.append(str(prefix))
        return official_tensors(tiny)

    monkeypatch.setattr("bridgebench.methods.official.files.read_tensorflow", read)
    prefix = "run/Epoch_(99)_(504of505).ckpt"
    for paths in ([prefix], [f"{prefix}.{end}" for end in ("index", "meta", "data-00000-of-00001")]):
        assert import_official(paths, TINY["attributes"]).config == tiny.config
    assert asked == [prefix, prefix]


@pytest.mark.parametrize(
    "lost",
    [
        "Ggenerator/Conv/weights",
        "Ggenerator/targ1_inter_1/Conv/weights",
        "Ggenerator/targ2_up_2/Conv_2/biases",
        "Ggenerator/InstanceNorm_7/gamma",
        f"{DENSE}/weights",
        "Gmappingnet/InstanceNorm_4/beta",
        "Gmappingnet/Conv_6/weights",
        "Gencoder/Conv/weights",
        "Gencoder/Conv_8/biases",
    ],
)
def test_a_missing_tensor_is_named(tiny, tmp_path, lost):
    tensors = official_tensors(tiny)
    del tensors[lost]
    with pytest.raises(UserError, match=rf"part\.npz .*missing: {lost}"):
        import_official([saved(tmp_path / "part.npz", tensors)], TINY["attributes"])


def test_a_lost_norm_is_named(tiny, tmp_path):
    whole = official_tensors(tiny)
    for norm in ("Gmappingnet/InstanceNorm_4", "Gencoder/InstanceNorm_3"):
        tensors = {name: array for name, array in whole.items() if not name.startswith(f"{norm}/")}
        with pytest.raises(
            UserError, match=rf"missing: {norm}/gamma, {norm}/beta;|missing: {norm}/gamma, {norm}/beta\."
        ):
            import_official([saved(tmp_path / "part.npz", tensors)], TINY["attributes"])


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("Ggenerator/Conv_3/weights", np.zeros((3, 3, 4, 8), np.float32), "another shape: Ggenerator/Conv_3/weights"),
        ("Gencoder/Conv/weights", np.zeros((1, 1, 2, 3), np.float32), "Gencoder/Conv/weights of .* has the shape"),
        ("Gencoder/Conv/weights", np.zeros(6, np.float32), "Gencoder/Conv/weights of .* has the shape"),
        (f"{DENSE}/weights", np.zeros((9, 130), np.float32), f"{DENSE}/weights of .* does not fit its 2 blocks"),
        (f"{DENSE}/weights", np.zeros((9, 170), np.float32), f"another shape: {DENSE}/weights 9x170 instead of 9x160"),
        (f"{DENSE}/weights", np.zeros((3, 160), np.float32), f"{DENSE}/weights of .* has the shape"),
        ("Ggenerator/Conv_2/biases", np.zeros(8, np.int64), "Ggenerator/Conv_2/biases of .* int64"),
        ("Ggenerator/Conv_99/weights", np.zeros((1, 1, 4, 4), np.float32), "unknown: Ggenerator/Conv_99/weights"),
        ("Classifier/Conv/weights", np.zeros((1, 1, 4, 4), np.float32), "unknown: Classifier/Conv/weights"),
        ("Discriminator/BatchNorm/gamma", np.zeros(4, np.float32), "unknown: Discriminator/BatchNorm/gamma"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tiny, tmp_path, name, array, sentence):
    tensors = official_tensors(tiny) | {name: array}
    with pytest.raises(UserError, match=sentence):
        import_official([saved(tmp_path / "odd.npz", tensors)], TINY["attributes"])


def test_no_memory_is_taken_for_sizes_that_a_damaged_file_claims(tiny, tmp_path):
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (1, 1, 3, 10**5), (0, 0, 0, 0))
    tensors = official_tensors(tiny) | {"Ggenerator/Conv/weights": huge}
    with pytest.raises(UserError, match="of another shape: Ggenerator/"):
        import_official([saved(tmp_path / "huge.npz", tensors)], TINY["attributes"])


def test_alien_and_damaged_files_are_told(tiny, tmp_path):
    alien = saved(tmp_path / "alien.npz", {"main.0.weight": np.zeros((64, 8, 7, 7), np.float32)})
    with pytest.raises(UserError, match=r"alien\.npz .*missing: Ggenerator/Conv/weights"):
        import_official([alien])
    whole = saved(tmp_path / "whole.npz", official_tensors(tiny))
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"damaged\.npz is damaged"):
        import_official([damaged], TINY["attributes"])
    with pytest.raises(UserError, match="no checkpoint file"):
        import_official([tmp_path / "none.npz"])
    with pytest.raises(UserError, match="one checkpoint"):
        import_official([whole, alien])
    with pytest.raises(UserError, match="given: nothing"):
        import_official([])


def test_attributes_must_fit(tiny, tmp_path):
    path = saved(tmp_path / "tiny.npz", official_tensors(tiny))
    with pytest.raises(UserError, match="3 label columns: name them"):
        import_official([path])
    with pytest.raises(UserError, match="3 label columns, but 2 attributes"):
        import_official([path], ["Bangs", "Male"])
