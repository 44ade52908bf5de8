"""StarGAN v2's training equals the official PyTorch code: losses, gradients and one whole iteration.

Its networks of official size are slow on a CPU: this runs only where BRIDGEBENCH_HEAVY is set.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from official_numbers import heavy
from official_starganv2 import (
    EXPECTED,
    LEARNING,
    OFFICIAL,
    assert_close,
    assert_map,
    config,
    discriminator,
    domains,
    images,
    made,
    masks,
    noise,
    state,
)
from torch import Tensor

from bridgebench.methods.starganv2.objective import Conversion, Edit, LossWeights, generator_terms, generator_total
from bridgebench.methods.starganv2.pairing import Pairing
from bridgebench.methods.starganv2.recipe import StarGANv2Recipe
from bridgebench.methods.starganv2.training import StarGANv2Training


def training() -> StarGANv2Training:
    """All networks with the reference weights."""
    facts = config("bangs128")
    learning = StarGANv2Training(StarGANv2Recipe(), facts["attributes"], 128, 0, seed=0)
    for name in LEARNING:
        learning.get_submodule(name).load_state_dict(state("bangs128", name))
        learning.editor.get_submodule(name).load_state_dict(state("bangs128", name))
    learning.discriminator.load_state_dict(state("bangs128", "discriminator"))
    return learning


def pairing(configuration: str) -> Pairing:
    given = Conversion(images(configuration), domains(configuration, "y_org"), domains(configuration, "y_trg"))
    references = images(configuration, "reference"), images(configuration, "reference2")
    return Pairing(given, references, (noise(), noise(key="noise2")))


def assert_terms(terms: dict[str, Tensor], prefix: str, rtol: float, atol: float) -> None:
    for name, value in terms.items():
        key = f"{prefix}_{OFFICIAL.get(name, name)}"
        if key in EXPECTED:
            wide = 1e-2 if name == "penalty" else rtol
            np.testing.assert_allclose(value.detach(), EXPECTED[key], rtol=wide, atol=atol, err_msg=key)


@heavy
@pytest.mark.parametrize(("side", "by"), [("d", "latent"), ("d", "reference"), ("g", "latent"), ("g", "reference")])
def test_losses_and_gradients(side, by):
    learning = training()
    drawn, mode = pairing("bangs128"), "noise" if by == "latent" else "reference"
    edit = learning.edit(drawn, mode)
    if side == "d":
        logs = learning.discriminator_step(drawn, mode, edit.edited.detach())
    else:
        logs = learning.generator_step(drawn, mode, edit)
    terms = {name.split("/")[-1]: value for name, value in logs.items()}
    assert_terms(terms, f"loss/bangs128/{side}_{by}", rtol=1e-3, atol=1e-6)
    stepping = {"d": ("discriminator",), "g": LEARNING if by == "latent" else ("generator",)}[side]
    for name in stepping:
        norms = [
            -1.0 if parameter.grad is None else float(parameter.grad.norm())
            for parameter in learning.get_submodule(name).parameters()
        ]
        key = f"grad/bangs128/{side}_{by}/{name}"
        np.testing.assert_allclose(norms, EXPECTED[key], rtol=1e-2, atol=2e-3, err_msg=key)


@heavy
def test_losses_with_the_high_pass_skip():
    editor, drawn, given = made("bangs128_hpf"), pairing("bangs128_hpf"), masks()
    with torch.no_grad():
        style, other = (editor.mapping_network(z, drawn.given.targets) for z in drawn.noises)
        encoded = editor.generator.encode_images(drawn.given.images)
        edit = Edit(style, given, encoded, editor.generator.decode_with(encoded, style, given))
        networks = editor.generator, editor.style_encoder, discriminator("bangs128_hpf")
        terms = generator_terms(*networks, drawn.given, edit, other, lambda _: given)
    total = {"total": generator_total(terms, LossWeights(), 1.0)}
    assert_terms(terms | total, "loss/bangs128_hpf/g_latent", rtol=1e-3, atol=1e-6)


@heavy
def test_a_whole_iteration():
    learning, drawn = training(), pairing("bangs128")
    before = copy.deepcopy(learning.editor)
    logs = learning.iterate(drawn)
    for name, value in logs.items():
        side, by, term = name.split("/")
        kind = f"{side[0]}_{'latent' if by == 'noise' else by}"
        assert_terms({term: value}, f"step/bangs128/{kind}", rtol=1e-2, atol=1e-3)
    images_given, _, targets = drawn.given
    with torch.no_grad():
        judged = learning.discriminator(images_given, drawn.given.domains)
        assert_close(judged, "step/bangs128/discriminator_after_step", rtol=1e-2, atol=1e-3)
        kept = learning.editor.generator(images_given, learning.editor.mapping_network(drawn.noises[0], targets))
        assert_map(kept, "step/bangs128/G_ema_after_step", atol=5e-3)
        new = learning.generator(images_given, learning.mapping_network(drawn.noises[0], targets))
    key = "step/bangs128/G_after_step"
    np.testing.assert_allclose(new.mean((2, 3)), EXPECTED[f"{key}/mean"], rtol=2e-2, atol=2e-2)
    np.testing.assert_allclose(new.std((2, 3), correction=0), EXPECTED[f"{key}/std"], rtol=2e-2, atol=2e-2)
    assert np.abs(new[:, :, ::8, ::8].numpy() - EXPECTED[f"{key}/sample"]).mean() < 0.1
    assert any(not torch.equal(a, b) for a, b in zip(before.parameters(), learning.editor.parameters(), strict=True))
