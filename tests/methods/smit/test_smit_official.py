"""Official SMIT checkpoints: what is imported, and how a file that does not fit is told."""

from __future__ import annotations

import official_numbers
import pytest
import torch
import torch.nn.functional as F
from hostile_checkpoints import assert_hostile_files_are_refused
from official_numbers import WEIGHTS

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.smit.editor import SMIT
from bridgebench.methods.smit.networks import Discriminator
from bridgebench.methods.smit.official import OFFICIAL_ATTRIBUTES, discriminator_names, generator_names, import_official

MANIFEST = official_numbers.manifest("smit")


def functional(state: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor, noise: torch.Tensor):
    """The official generator, written down straight from its table (SPEC), without a module."""

    def conv(x: torch.Tensor, name: str, stride: int, padding: int) -> torch.Tensor:
        return F.conv2d(x, state[f"generator.{name}.weight"], stride=stride, padding=padding)

    def norm(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
        return (x - mean) / (variance + 1e-5).sqrt() * scale[..., None, None] + shift[..., None, None]

    linear = [state[f"Domain_Embedding.model.output.{part}"] for part in ("weight", "bias")]
    codes = list(F.linear(torch.cat([noise, labels], dim=1), *linear).split(256, dim=1))
    x = images
    for channels in (32, 64, 128, 256):
        x = conv(x, f"main.down_conv_{channels}", *((1, 3) if channels == 32 else (2, 1)))
        affine = [state[f"generator.main.down_norm_{channels}.{part}"] for part in ("weight", "bias")]
        x = norm(x, *affine).relu()
    for index in range(6):
        y = x
        for place in (0, 3):
            shift, scale = codes.pop(0), codes.pop(0)
            y = norm(conv(y, f"main.res_256_{index}.main.{place}", 1, 1), scale, shift)
            y = y.relu() if place == 0 else y
        x = x + y
    for channels in (128, 64, 32):
        x = conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3), f"main.up_conv_{channels}", 1, 1)
        flat = x.flatten(1)
        x = ((flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) + 1e-5)).view_as(x)
        gamma, beta = (state[f"generator.main.up_norm_{channels}.{part}"] for part in ("gamma", "beta"))
        x = (x * gamma[:, None, None] + beta[:, None, None]).relu()
    mask = conv(x, "attn.attn", 1, 3).sigmoid()
    return mask * images + (1 - mask) * conv(x, "fake.fake", 1, 3).tanh()


def legacy(name: str) -> str:
    """As an older run on several GPUs named it."""
    return "module." + name.replace("Domain_Embedding", "adain_net")


@pytest.mark.parametrize(
    ("network", "attributes", "rename"), [("G", OFFICIAL_ATTRIBUTES, str), ("G@c128", CELEBA14, legacy)]
)
def test_import_of_an_official_checkpoint(tmp_path, network, attributes, rename):
    arrays = WEIGHTS.make_state("another salt", MANIFEST[network])
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    path = tmp_path / "0060_4566_G.pth"
    torch.save(
        {rename(name): tensor for name, tensor in state.items()},
        path,
        _use_new_zipfile_serialization=network == "G",
    )
    editor = import_official([path])
    assert (editor.attributes, editor.image_size, editor.training) == (attributes, 256, False)
    images, labels = torch.from_numpy(WEIGHTS.images("another salt", 2, 32, 32)), torch.eye(len(attributes))[:2]
    noise = torch.from_numpy(WEIGHTS.noise("another salt", (2, 20)))
    expected = functional(state, images, labels, noise)
    torch.testing.assert_close(editor.edit(images, labels, noise=noise), expected, rtol=1e-4, atol=2e-5)


def small_generator(columns: int = 3) -> dict[str, torch.Tensor]:
    """A checkpoint of other sizes than the official ones, with the buffers that official ones have."""
    made = SMIT(attributes=["x"] * columns, image_size=32, width=4, blocks=2, downsamplings=2).generator
    state = {official: made.state_dict()[name] for name, official in generator_names(made).items()}
    unread = [f"generator.main.res_16_{block}.main.{place}" for block in (0, 1) for place in (1, 4)]
    return state | {f"{name}.running_{kind}": torch.ones(16) for name in unread for kind in ("mean", "var")}


def small_discriminator(columns: int = 3) -> dict[str, torch.Tensor]:
    made = Discriminator(columns, 32, 2)
    return {official: made.state_dict()[name] for name, official in discriminator_names(made).items()}


def test_import_reads_the_sizes(tmp_path):
    state, paths = small_generator(), [tmp_path / "1_D.pth", tmp_path / "1_G.pth"]
    torch.save(small_discriminator(), paths[0])
    torch.save(state, paths[1])
    editor = import_official(paths, attributes=["A", "B", "C"])
    sizes = {"noise_size": 20, "width": 4, "blocks": 2, "downsamplings": 2}
    assert editor.config == {"attributes": ["A", "B", "C"], "image_size": 32, **sizes}
    for name, official in generator_names(editor.generator).items():
        assert torch.equal(editor.generator.state_dict()[name], state[official]), name
    with pytest.raises(UserError, match="3 label columns: name them"):
        import_official(paths)
    with pytest.raises(UserError, match="3 label columns, but 2 attributes"):
        import_official(paths, attributes=["A", "B"])
    for given in ([], paths[:1]):
        with pytest.raises(UserError, match="one generator file"):
            import_official(given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("generator.main.down_conv_8.weight"), "missing: generator.main.down_conv_8.weight"),
        (lambda state: state.pop("generator.main.down_norm_4.bias"), "missing: generator.main.down_norm_4.bias"),
        (lambda state: state.pop("generator.main.res_16_0.main.3.weight"), "missing: .*res_16_0.main.3.weight"),
        (lambda state: state.pop("generator.attn.attn.weight"), "missing: generator.attn.attn.weight"),
        (lambda state: state.pop("Domain_Embedding.model.output.weight"), "missing: Domain_Embedding.model.output.w"),
        (lambda state: state.update(more=torch.zeros(1)), "unknown: more"),
        (lambda state: state.update({"generator.fake.fake.weight": torch.zeros(3)}), "another shape: generator.fake"),
        (lambda state: state.update({"Domain_Embedding.model.output.weight": torch.zeros(3)}), "another shape: Domain"),
        (lambda state: state.update({"generator.main.down_conv_99999.weight": torch.zeros(1)}), "missing: "),
        (lambda state: state.clear(), "missing: generator.main.down_conv_32.weight"),
    ],
)
def test_incomplete_checkpoints_are_named(tmp_path, change, message):
    state = small_generator()
    change(state)
    torch.save(state, tmp_path / "1_G.pth")
    with pytest.raises(UserError, match=message):
        import_official([tmp_path / "1_G.pth"], attributes=["A", "B", "C"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("cnns_main.1.conv_4.module.weight_u"), "missing: cnns_main.1.conv_4.module.weight_u"),
        (lambda state: state.update({"cnns_aux.0.aux.weight": torch.zeros(4, 16, 2, 2)}), "another shape: cnns_aux.0"),
        (lambda state: [state.pop(name) for name in list(state) if name.startswith("cnns_main")], "missing: cnns_main"),
    ],
)
def test_a_discriminator_that_does_not_fit_is_named(tmp_path, change, message):
    state = small_discriminator()
    change(state)
    torch.save(state, tmp_path / "1_D.pth")
    torch.save(small_generator(), tmp_path / "1_G.pth")
    with pytest.raises(UserError, match=rf"1_D\.pth .*{message}"):
        import_official([tmp_path / "1_G.pth", tmp_path / "1_D.pth"], attributes=["A", "B", "C"])


def test_damaged_and_evil_checkpoints(tmp_path):
    path = tmp_path / "1_G.pth"
    torch.save(small_generator(), path)
    assert_hostile_files_are_refused(
        path, lambda path: import_official([path]), lambda evil: {"generator.fake.fake.weight": evil}
    )
