"""STGAN equals the official TensorFlow code: networks, edits, losses, gradients, moving averages.

What takes more than seconds on a CPU runs only where BRIDGEBENCH_HEAVY is set.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from official_numbers import heavy
from official_stgan import EXPECTED, FACTS, IN_TRAINING, MANIFEST, NETWORK, SCOPES, assert_equal, draw, flipped, inputs

from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.official.tensors import tensorflow_state
from bridgebench.methods.stgan.editor import STGAN
from bridgebench.methods.stgan.networks import Discriminator
from bridgebench.methods.stgan.objective import LossWeights, discriminator_terms, generator_terms
from bridgebench.methods.stgan.official import OFFICIAL_ATTRIBUTES, official_names


def build(attributes: tuple[str, ...], tensors: dict[str, np.ndarray]) -> tuple[STGAN, Discriminator]:
    """Both networks with the tensors of a checkpoint; made without memory of their own, which spares drawing it."""
    with torch.device("meta"):
        editor, discriminator = STGAN(attributes=attributes), Discriminator(len(attributes), 128)
    parts = {editor.generator.get_submodule(part): scope for part, scope in SCOPES.items()}
    for network, scope in {**parts, discriminator: "D"}.items():
        names = official_names(network, scope)
        network.load_state_dict(tensorflow_state(network, names, tensors, "the reference"), assign=True)
        network.requires_grad_()
    return editor.eval(), discriminator


@pytest.fixture(scope="module")
def tensors():
    return draw({name: shape for scope in MANIFEST.values() for name, shape in scope.items()})


def test_official_code(tensors):
    """One test, so that 120 million weights are drawn once and freed."""
    editor, discriminator = build(OFFICIAL_ATTRIBUTES, tensors)
    counts, generator = FACTS["parameter_counts"], editor.generator
    assert sum(parameter.numel() for parameter in generator.parameters()) == counts["generator"]
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == counts["D"]
    check_networks(editor, discriminator)
    check_discriminator_loss(editor, discriminator)
    check_generator_loss(editor, discriminator)


@torch.no_grad()
def check_networks(editor: STGAN, discriminator: Discriminator) -> None:
    images, source, target = inputs()
    generator, swap = editor.generator, target - source
    encoded = generator.encoder(images)
    features = generator.units(encoded, swap)
    for level in range(5):
        assert_equal(encoded[level], f"eval/Genc/z{level + 1}", **NETWORK)
    for level in range(4):
        assert_equal(features[level], f"eval/Gstu_swap/f{4 - level}", **NETWORK)
    assert_equal(generator.decoder(encoded[-1], features, swap), "eval/edit_swap", **NETWORK)
    target = flipped(source, ["Black_Hair"], OFFICIAL_ATTRIBUTES)
    edit = editor.edit(images, target, source_labels=source)
    assert_equal(edit, "eval/edit_flip_Black_Hair_int2", **NETWORK)
    for key, found in zip(("gan", "att"), discriminator(images), strict=True):
        assert_equal(found, f"eval/D/logit_{key}", **NETWORK)


def check_discriminator_loss(editor: STGAN, discriminator: Discriminator) -> None:
    """Beside the terms, what only the 13 attributes have numbers of: training outputs, moving averages, gradients."""
    images, source, target = inputs()
    before = {name: value.clone() for name, value in editor.state_dict().items() if "running" in name}
    with torch.no_grad():
        fake = editor.train().generator(images, target - source)
    assert_equal(fake, "train/xb", **IN_TRAINING)
    assert_moving(editor, "after_d_pass")
    editor.load_state_dict(before, strict=False)
    discriminator_loss(discriminator, images, source, fake).backward()
    assert_gradients({discriminator: "D"}, "d_loss")


def check_generator_loss(editor: STGAN, discriminator: Discriminator) -> None:
    images, source, target = inputs()
    total = generator_loss(editor, discriminator, images, source, target)
    assert_moving(editor, "after_g_pass")
    total.backward(inputs=list(editor.parameters()))
    assert_gradients({editor.generator.get_submodule(part): scope for part, scope in SCOPES.items()}, "g_loss")


def discriminator_loss(
    discriminator: Discriminator, images: torch.Tensor, source: torch.Tensor, fake: torch.Tensor, prefix: str = ""
) -> torch.Tensor:
    """The official total, its terms held against the reference."""
    terms = discriminator_terms(discriminator, images, source, fake, torch.full((2,), 0.5))
    total = LossWeights().discriminator_total(terms)
    assert_equal(terms["real"] + terms["fake"], f"{prefix}loss/d_loss_gan", **IN_TRAINING)
    assert_equal(terms["penalty"], f"{prefix}loss/gp", rtol=5e-4)
    assert_equal(terms["classification"], f"{prefix}loss/xa_loss_att", rtol=1e-4)
    assert_equal(total, f"{prefix}loss/d_loss", rtol=5e-4)
    return total


def generator_loss(
    editor: STGAN,
    discriminator: Discriminator,
    images: torch.Tensor,
    source: torch.Tensor,
    target: torch.Tensor,
    prefix: str = "",
) -> torch.Tensor:
    """As `discriminator_loss`."""
    terms = generator_terms(editor.generator, discriminator, images, source, target)
    total = LossWeights().generator_total(terms)
    for name, key in (("fake", "xb__loss_gan"), ("classification", "xb__loss_att"), ("reconstruction", "xa__loss_rec")):
        assert_equal(terms[name], f"{prefix}loss/{key}", rtol=1e-4)
    assert_equal(total, f"{prefix}loss/g_loss", rtol=1e-4)
    return total


def assert_moving(editor: STGAN, key: str) -> None:
    """The moving averages, of which the reference holds the first 64 channels of three layers."""
    for part in ("encoder", "decoder"):
        network = editor.generator.get_submodule(part)
        for name, official in official_names(network, SCOPES[part]).items():
            if f"bn/{key}/{official}".replace("/BatchNorm", "") in EXPECTED:
                value = network.state_dict()[name][:64]
                assert_equal(value, f"bn/{key}/{official}".replace("/BatchNorm", ""), atol=1e-6)


def assert_gradients(networks: dict[torch.nn.Module, str], key: str) -> None:
    norms = {}
    for network, scope in networks.items():
        official = official_names(network, scope)
        norms |= {official[name]: float(value.grad.double().norm()) for name, value in network.named_parameters()}
    found = [norms[name] for name in FACTS["grad_norm_order"][key]]
    np.testing.assert_allclose(found, EXPECTED[f"grad_norm/{key}"], rtol=5e-3, atol=1e-5)


def test_official_code_with_14_attributes(tensors):
    editor, discriminator = build(CELEBA14, tensors | draw(FACTS["n14"]["shape_overrides"]))
    images, source, _ = inputs(FACTS["n14"])
    target = flipped(source, ["Bangs"], CELEBA14)
    edit = editor.edit(images, target, source_labels=source, strength=1)
    assert_equal(edit, "n14/eval/edit_flip_Bangs_int1", **NETWORK)
    with torch.no_grad():
        assert_equal(discriminator(images)[1], "n14/eval/D/logit_att", **NETWORK)


@heavy
def test_losses_with_14_attributes(tensors):
    editor, discriminator = build(CELEBA14, tensors | draw(FACTS["n14"]["shape_overrides"]))
    images, source, target = inputs(FACTS["n14"])
    with torch.no_grad():
        fake = editor.train().generator(images, target - source)
    discriminator_loss(discriminator, images, source, fake, "n14/")
    with torch.no_grad():
        generator_loss(editor, discriminator, images, source, target, "n14/")
    uneven = discriminator_terms(discriminator, images, source, fake, torch.tensor([0.25, 0.75]))
    assert_equal(uneven["penalty"].detach(), "n14/loss/gp_alpha_0.25_0.75", rtol=5e-4)
