"""Official HomoGAN checkpoints: what is imported, and how a file that does not fit is told."""

from __future__ import annotations

from pathlib import Path

import official_numbers
import pytest
import torch
import torch.nn.functional as F
from hostile_checkpoints import assert_hostile_files_are_refused
from official_numbers import WEIGHTS, heavy
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.homogan.editor import HomoGAN
from bridgebench.methods.homogan.networks import Discriminator
from bridgebench.methods.homogan.official import OFFICIAL_ATTRIBUTES, PARTS, import_official, official_names

MANIFEST = official_numbers.manifest("homogan")
SALT = "another salt"
State = dict[str, Tensor]


def narrow_manifest() -> dict[str, dict[str, list[int]]]:
    """The official names with a sixteenth of the channels (as far as there are more than 32 of them)."""
    return {
        kind: {name: [size // 16 if size > 32 else size for size in shape] for name, shape in shapes.items()}
        for kind, shapes in MANIFEST.items()
    }


def checkpoint(folder: Path, kinds: str = "encoder interp_net decoder", manifest=None) -> dict[str, Path]:
    """The files of an official run, of other weights than anyone's."""
    manifest, paths = manifest or narrow_manifest(), {}
    for kind in kinds.split():
        arrays = WEIGHTS.make_state(SALT, manifest[kind], gain=1.5)
        paths[kind] = folder / f"{kind}-latest.pth"
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, paths[kind])
    return paths


def official_edit(paths: dict[str, Path], images: Tensor, reference: Tensor, branch: int, strength: float) -> Tensor:
    """The edit, written down straight from the official tables, without a module."""
    states = {kind: torch.load(path, weights_only=True) for kind, path in paths.items()}
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

    def conv(x: Tensor, kind: str, name: str) -> Tensor:
        weight, bias = (states[kind][f"module.{name}.{part}"] for part in ("weight", "bias"))
        return F.conv2d(x, weight, bias, padding=1)

    def encoded(pictures: Tensor) -> Tensor:
        x = ((pictures + 1) / 2 - mean) / std
        for part, layers in enumerate(("11 12 P 21 22 P 31", "32 33 34 P 41", "42 43 44 P 51"), 1):
            for layer in layers.split():
                if layer == "P":
                    x = F.max_pool2d(x, 2)
                else:
                    x = conv(x, "encoder", f"model.features_{part}.conv{layer[0]}_{layer[1]}").relu()
        return x

    own = encoded(images)
    moved = encoded(reference) - own
    for place in (0, 2, 4):
        moved = conv(moved.relu() if place else moved, "interp_net", f"branch.{branch}.model.{place}")
    x, index = own + strength * moved, 0
    for extra in (0, 3, 3, 1, 0):
        if index:
            x, index = F.interpolate(x, scale_factor=2), index + 1
        for _ in range(1 + extra):
            x = conv(x, "decoder", f"model.{index}")
            state = [states["decoder"][f"module.model.{index + 1}.{part}"] for part in ("running_mean", "running_var")]
            affine = [states["decoder"][f"module.model.{index + 1}.{part}"] for part in ("weight", "bias")]
            x, index = F.batch_norm(x, *state, *affine).relu(), index + 3
    assert index == 40
    shown = conv(x, "decoder", "model.40") * std + mean
    return (2 * shown - 1).clamp(-1, 1)


def check_edit(editor: HomoGAN, paths: dict[str, Path], attribute: str, branch: int, strength: float) -> None:
    images, reference = (torch.from_numpy(WEIGHTS.images(SALT, 2, 32, 32, key=key)) for key in ("images", "reference"))
    source = torch.zeros(2, len(editor.attributes))
    target = source.clone()
    target[:, editor.attributes.index(attribute)] = 1
    edited = editor.edit(images, target, reference, source_labels=source, strength=strength)
    expected = official_edit(paths, images, reference, branch, strength)
    assert float((expected.abs() < 1).float().mean()) > 0.05
    torch.testing.assert_close(edited, expected, rtol=1e-4, atol=1e-4)


def test_import_of_an_official_checkpoint(tmp_path):
    paths = checkpoint(tmp_path)
    editor = import_official(list(paths.values())[::-1])
    assert (editor.attributes, editor.image_size, editor.training) == (CELEBA14, 128, False)
    assert (editor.config["width"], editor.config["levels"]) == (4, 4)
    check_edit(editor, paths, "Smiling", 0, 1.0)
    check_edit(editor, paths, "Bangs", 3, 1.5)


@heavy
def test_import_of_official_size(tmp_path):
    paths = checkpoint(tmp_path, "encoder interp_net decoder discrim KGTransform", MANIFEST)
    editor = import_official(list(paths.values()))
    assert editor.attributes == OFFICIAL_ATTRIBUTES
    assert sum(p.numel() for p in editor.parameters()) == 12_944_960 + 42_476_544 + 6_201_603
    check_edit(editor, paths, "Male", 1, 1.0)


def test_the_discriminator_tells_the_attributes(tmp_path):
    paths = checkpoint(tmp_path, "encoder interp_net decoder discrim KGTransform")
    assert import_official(list(paths.values())).attributes == OFFICIAL_ATTRIBUTES
    # Without Bald the branch of the hair style still moves it; only nobody can name it.
    assert import_official(list(paths.values()), CELEBA14).groups[3] == ("Receding_Hairline", "Bangs")
    state = torch.load(paths["discrim"], weights_only=True)
    for part in ("weight", "bias"):
        state[f"attr_branches.3.{part}"] = state[f"attr_branches.3.{part}"][:2]
    torch.save(state, paths["discrim"])
    assert set(import_official(list(paths.values())).attributes) == set(CELEBA14)
    with pytest.raises(UserError, match=r"discrim.* has 5 groups .* with 2, 5, 4, 2, 1 each, but .*: name others"):
        import_official(list(paths.values()), OFFICIAL_ATTRIBUTES)


def test_groups_that_do_not_fit(tmp_path):
    paths = checkpoint(tmp_path)
    with pytest.raises(UserError, match="has 5 groups of attributes, but the attributes fall into Male; Young: name"):
        import_official(list(paths.values()), ["Male", "Young"])


def test_a_branch_for_every_attribute(tmp_path):
    manifest = narrow_manifest()
    kept = {name: shape for name, shape in manifest["interp_net"].items() if int(name.split(".")[2]) < 3}
    paths = checkpoint(tmp_path, manifest={**manifest, "interp_net": kept})
    editor = import_official(list(paths.values()), ["Smiling", "Mouth_Slightly_Open"])
    assert editor.groups == (("Smiling",), ("Mouth_Slightly_Open",))
    check_edit(editor, paths, "Mouth_Slightly_Open", 1, 1.0)


def test_names_of_one_gpu_and_of_an_old_pytorch(tmp_path):
    paths = checkpoint(tmp_path)
    expected = import_official(list(paths.values())).state_dict()
    for path in paths.values():
        state = torch.load(path, weights_only=True)
        old = {name.removeprefix("module."): tensor for name, tensor in state.items() if "num_batches" not in name}
        torch.save(old, path, _use_new_zipfile_serialization=False)
    found = import_official(list(paths.values())).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("encoder", lambda s: s.pop("module.model.features_1.conv1_1.weight"), "missing: model.features_1.conv1_1.w"),
        ("encoder", lambda s: s.pop("module.model.features_3.conv5_1.bias"), "missing: model.features_3.conv5_1.bias"),
        ("encoder", lambda s: s.clear(), "missing: model.features_1"),
        ("interp_net", lambda s: s.pop("module.branch.2.model.4.bias"), "missing: branch.2.model.4.bias"),
        ("decoder", lambda s: s.pop("module.model.40.weight"), "missing: model.40.weight"),
        ("decoder", lambda s: s.update(more=torch.zeros(1)), "unknown: more"),
        ("decoder", lambda s: s.update({"module.model.4.bias": torch.zeros(3)}), "another shape: model.4.bias"),
        ("discrim", lambda s: s.pop("ifReal.bias"), "missing: ifReal.bias"),
        ("discrim", lambda s: s.pop("attr_branches.0.bias"), "missing: attr_branches.0.bias"),
    ],
)
def test_incomplete_checkpoints_are_named(tmp_path, kind, change, message):
    paths = checkpoint(tmp_path, "encoder interp_net decoder discrim")
    state = torch.load(paths[kind], weights_only=True)
    change(state)
    torch.save(state, paths[kind])
    with pytest.raises(UserError, match=f"{kind}-latest.*{message}"):
        import_official(list(paths.values()))


def test_other_files_than_the_three(tmp_path):
    paths = checkpoint(tmp_path)
    with pytest.raises(UserError, match="three files"):
        import_official([paths["encoder"]])
    with pytest.raises(UserError, match="both HomoGAN's encoder"):
        import_official([paths["encoder"], paths["encoder"]])
    torch.save({"x": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth is not told"):
        import_official([*paths.values(), tmp_path / "other.pth"])


def test_damaged_and_evil_checkpoints(tmp_path):
    path = checkpoint(tmp_path, "encoder")["encoder"]
    assert_hostile_files_are_refused(path, lambda path: import_official([path]), lambda evil: {"module.weight": evil})


def test_official_names_are_those_of_the_manifest():
    with torch.device("meta"):
        editor, discriminator = HomoGAN(attributes=OFFICIAL_ATTRIBUTES), Discriminator(512, 8, (2, 5, 4, 3, 1))
    networks = {kind: editor.get_submodule(part) for kind, part in PARTS.items()} | {"discrim": discriminator}
    for kind, network in networks.items():
        names = official_names(network, kind)
        found = {names[name]: list(tensor.shape) for name, tensor in network.state_dict().items()}
        assert found == {name.removeprefix("module."): shape for name, shape in MANIFEST[kind].items()}
