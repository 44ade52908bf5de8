"""HomoGAN equals the official PyTorch code: networks, edits, losses and gradients.

The networks of official size are slow on a CPU: what takes more than seconds runs only where BRIDGEBENCH_HEAVY is set.
"""

from __future__ import annotations

import numpy as np
import official_numbers
import pytest
import torch
from official_numbers import WEIGHTS, heavy
from torch import Tensor, nn

from bridgebench.methods.homogan.editor import HomoGAN
from bridgebench.methods.homogan.features import VggFeatures
from bridgebench.methods.homogan.networks import Discriminator, denormalize
from bridgebench.methods.homogan.objective import LossWeights, total
from bridgebench.methods.homogan.official import OFFICIAL_ATTRIBUTES, official_names
from bridgebench.methods.homogan.recipe import HomoGANRecipe
from bridgebench.methods.homogan.training import Draws, HomoGANTraining

FACTS = official_numbers.facts("homogan")
MANIFEST = official_numbers.manifest("homogan")
EXPECTED = official_numbers.expected("homogan")
SALT, TOLERANCE = FACTS["salt"], FACTS["tolerance"]
GROUPS = tuple(tuple(group) for group in FACTS["configs"]["default"]["groups"])
SIZES = [len(group) for group in GROUPS]


def drawn(kind: str, only: str = "") -> dict[str, Tensor]:
    """The reference weights of an official file whose names start with `only`, under their official names."""
    shapes = {name: shape for name, shape in MANIFEST[kind].items() if name.startswith(only)}
    arrays = WEIGHTS.make_state(SALT, shapes, gain=FACTS["weight_gain"])
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def fill(network: nn.Module, kind: str, only: str = "") -> None:
    """Gives a network the reference weights; those that are not drawn stay where they are."""
    found = {name.removeprefix("module."): tensor for name, tensor in drawn(kind, only).items()}
    names = official_names(network, kind)
    network.load_state_dict(
        {name: found[theirs] for name, theirs in names.items() if theirs in found}, assign=True, strict=not only
    )


@pytest.fixture(scope="module")
def editor() -> HomoGAN:
    """With the reference weights, of the interpolator branch 0 alone: what no edit asks for is never computed."""
    with torch.device("meta"):
        editor = HomoGAN(attributes=OFFICIAL_ATTRIBUTES).eval()
    fill(editor.encoder, "encoder")
    fill(editor.interpolator, "interp_net", only="module.branch.0.")
    fill(editor.decoder, "decoder")
    return editor


def images(key: str = "images") -> Tensor:
    """The network's own input; nothing is normalized here."""
    return torch.from_numpy(WEIGHTS.images(SALT, 2, 128, 128, key=key))


def sampled(found: Tensor, key: str) -> Tensor:
    return found[tuple(slice(None, None, step) for step in FACTS["entries"][key].get("strides", [1] * found.ndim))]


def assert_output(found: Tensor, key: str) -> None:
    values = {key: sampled(found, key)}
    if f"{key}/mean" in EXPECTED:
        values |= {f"{key}/mean": found.mean((2, 3)), f"{key}/std": found.std((2, 3), correction=0)}
    for name, value in values.items():
        np.testing.assert_allclose(value, EXPECTED[name], err_msg=name, **TOLERANCE["outputs"])


def edited(editor: HomoGAN, branch: int, strength: float) -> Tensor:
    """Through the editor's door: one attribute of a group asks for the whole group."""
    source = torch.zeros(2, len(OFFICIAL_ATTRIBUTES))
    target = source.clone()
    target[:, OFFICIAL_ATTRIBUTES.index(GROUPS[branch][-1])] = 1
    pictures, reference = denormalize(images()), denormalize(images("reference"))
    return editor.edit(pictures, target, reference, source_labels=source, strength=strength)


def assert_edit(found: Tensor, key: str) -> None:
    """Against the official image, shown: in [-1, 1], where the reference weights go far beyond."""
    expected = denormalize(torch.from_numpy(EXPECTED[key])).clamp(-1, 1)
    assert float((expected.abs() < 1).float().mean()) > 0.05
    np.testing.assert_allclose(sampled(found, key), expected, err_msg=key, **TOLERANCE["outputs"])


def test_the_official_groups(editor):
    assert editor.groups == GROUPS


@torch.no_grad()
def test_encoder_and_decoder(editor):
    maps = editor.encoder(images())
    for name, found in zip(("relu3_1", "relu4_1", "feat"), maps, strict=True):
        assert_output(found, f"encoder/{name}")
    assert_output(editor.decoder(maps[-1]), "decoder/recon")
    counts = [sum(p.numel() for p in part.parameters()) for part in editor.children()]
    assert counts == [12_944_960, 6 * 7_079_424, 6_201_603]


def test_an_edit_of_a_group(editor):
    assert_edit(edited(editor, 0, 1.0), "edit_branch0_s1/image")


@torch.no_grad()
def test_discriminator_and_knowledge_transform(editor):
    features = editor.encoder(images())[-1]
    discriminator, transform = Discriminator(512, 8, SIZES), nn.Conv2d(512, 512, 1)
    fill(discriminator, "discrim")
    fill(transform, "KGTransform")
    realness, logits = discriminator(features)
    assert_output(realness[:, :, None, None], "discrim/real")
    for group, found in enumerate(logits.split(SIZES, dim=1)):
        assert_output(found, f"discrim/attr{group}")
    assert_output(transform(features), "KGTransform/feat")
    assert sum(p.numel() for p in discriminator.parameters()) == 2_562_575


# --- heavy ------------------------------------------------------------------------------------------------------------


@heavy
@torch.no_grad()
def test_all_branches(editor):
    fill(editor.interpolator, "interp_net")
    own, other = (editor.encoder(images(key))[-1] for key in ("images", "reference"))
    for index, branch in enumerate(editor.interpolator.branch):
        assert_output(branch(other - own), f"interp_net/branch{index}")
    between = editor.interpolator(own, other, torch.tensor(FACTS["v"]))
    assert_output(between, "interp_net/feat")
    assert_output(editor.decoder(between), "interp_net/image")
    rebuilt = editor.decoder(own)
    for branch, strength in FACTS["edits (branch, strength)"]:
        chosen = strength * torch.eye(6)[[branch, branch]]
        found, key = editor.decoder(editor.interpolator(own, other, chosen)), f"edit_branch{branch}_s{strength:g}"
        assert_output(found, f"{key}/image")
        assert_output(found - rebuilt, f"{key}/effect")
        assert_edit(edited(editor, branch, strength), f"{key}/image")


def assert_terms(terms: dict[str, Tensor], part: str, names: dict[str, str]) -> None:
    assert terms.keys() == names.keys()
    found = {f"loss/{part}_{names[name]}" if names[name] else f"loss/{part}": value for name, value in terms.items()}
    if part == "discrim":
        found["loss/discrim_gp"] = 100 * found["loss/discrim_gp"]
    found[f"loss/{part}"] = total(terms, LossWeights())
    for key, value in found.items():
        np.testing.assert_allclose(value.detach(), EXPECTED[key], err_msg=key, **TOLERANCE["loss"])


def assert_gradients(terms: dict[str, Tensor], part: str, networks: dict[str, nn.Module]) -> None:
    total(terms, LossWeights()).backward(inputs=[p for network in networks.values() for p in network.parameters()])
    for name, network in networks.items():
        squares = [p.grad.double().square().sum() for p in network.parameters()]
        norm, key = torch.stack(squares).sum().sqrt(), f"grad/{part}/{name}_norm"
        np.testing.assert_allclose(norm, EXPECTED[key], err_msg=key, **TOLERANCE["grad"])


@heavy
def test_losses_and_gradients(tmp_path):
    torch.save(drawn("vgg"), tmp_path / "vgg.pth")
    made = HomoGANTraining(HomoGANRecipe(), OFFICIAL_ATTRIBUTES, 128, 0, seed=0)
    made.attach_features(VggFeatures(tmp_path / "vgg.pth"))
    with torch.no_grad():
        maps = made.guide().maps(denormalize(images()))
    for name, found in zip(("relu3_1", "relu5_1"), maps, strict=True):
        assert_output(found, f"vgg/{name}")
    editor = made.editor
    networks = {
        "encoder": editor.encoder,
        "interp_net": editor.interpolator,
        "decoder": editor.decoder,
        "discrim": made.discriminator,
        "KGTransform": made.knowledge,
    }
    for kind, network in networks.items():
        fill(network, kind)
        network.requires_grad_()
    bits = FACTS["labels"]["rows (one block per group)"]
    labels = torch.from_numpy(WEIGHTS.labels_from_bits([row.replace(" ", "") for row in bits]))
    draws = Draws(torch.tensor([1, 0]), torch.tensor(FACTS["v"]), torch.full((2,), 0.5))
    view = made.look(denormalize(images()), labels, draws, moves=True)

    rebuilding = {"reconstruction": "mse", "perceptual": "per"}
    terms = made.decoder_terms(view)
    assert_terms(terms, "dec", rebuilding)
    assert_gradients(terms, "dec", {"decoder": editor.decoder})
    terms = made.discriminator_terms(view)
    assert_terms(terms, "discrim", {"realness": "gan", "penalty": "gp", "d_classification": "cls"})
    assert_gradients(terms, "discrim", {"discrim": made.discriminator})
    terms = made.knowledge_terms(view)
    assert_terms(terms, "KGTransform", {"knowledge": ""})
    assert_gradients(terms, "KGTransform", {"KGTransform": made.knowledge})
    terms = made.encoder_terms(view)
    names = {"adversarial": "gan", "classification": "cls", "interpolation": "all", "knowledge": "KG"}
    assert_terms(terms, "enc_int", names | rebuilding)
    assert_gradients(terms, "enc_int", {name: networks[name] for name in ("encoder", "interp_net")})

    made.recipe = HomoGANRecipe(classify="real")
    on_real = made.discriminator_terms(view)["d_classification"].detach()
    np.testing.assert_allclose(on_real, EXPECTED["loss/discrim_cls_on_real"], **TOLERANCE["loss"])
