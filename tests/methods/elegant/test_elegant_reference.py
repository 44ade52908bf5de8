"""ELEGANT equals the official PyTorch code: networks, edits, losses and gradients."""

from __future__ import annotations

import numpy as np
import official_numbers
import pytest
import torch
from official_numbers import WEIGHTS
from torch import Tensor

from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.elegant.networks import attribute_of_channel, exchange
from bridgebench.methods.elegant.objective import discriminator_total, exchanged_labels, generator_total
from bridgebench.methods.elegant.recipe import ElegantRecipe
from bridgebench.methods.elegant.training import ElegantTraining

FACTS = official_numbers.facts("elegant")
MANIFEST = official_numbers.manifest("elegant")
EXPECTED = official_numbers.expected("elegant")
SALT = FACTS["salt"]
PARAMETERS = {
    "c128": {"Enc": 3_910_794, "Dec": 6_269_579, "D1": 1_591_817, "D2": 1_567_241},
    "c256": {"Enc": 3_910_794, "Dec": 6_269_579, "D1": 1_683_209, "D2": 1_584_905},
}


def reference_state(network: str, config: str) -> dict[str, Tensor]:
    shapes = MANIFEST.get(f"{network}@{config}", MANIFEST[network])
    kinds = {"alpha": {"kind": "scale"}, "beta": {"kind": "bias"}}
    seeded = {f"{network}.{name}": shape for name, shape in shapes.items()}
    overrides = {name: kinds.get(name.rpartition(".")[2], {}) for name in seeded}
    arrays = WEIGHTS.make_state(SALT, seeded, out_dim=1 if network == "Dec" else 0, overrides=overrides)
    return {name.partition(".")[2]: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.fixture(scope="module", params=["c128", "c256"])
def config(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def made(config):
    """All networks with the reference weights; not to be changed."""
    facts = FACTS["configs"][config]
    made = ElegantTraining(ElegantRecipe(), CELEBA14[: facts["n_attributes"]], facts["image_size"], 0, seed=0)
    for name, network in networks(made).items():
        network.load_state_dict(reference_state(name, config))
    return made


@pytest.fixture(scope="module")
def photos(config) -> tuple[Tensor, Tensor]:
    """Images and references."""
    size = FACTS["configs"][config]["image_size"]
    return tuple(torch.from_numpy(WEIGHTS.images(SALT, 2, size, size, key=key)) for key in ("images", "reference"))


def networks(made: ElegantTraining) -> dict[str, torch.nn.Module]:
    return {
        "Enc": made.editor.encoder,
        "Dec": made.editor.decoder,
        "D1": made.discriminators[0],
        "D2": made.discriminators[1],
    }


def labels(config: str, which: str) -> Tensor:
    return torch.from_numpy(WEIGHTS.labels_from_bits(FACTS["labels"][config][which]))


def assert_output(found: Tensor, key: str, rtol: float = 1e-4, atol: float = 5e-6) -> None:
    values = {key: found}
    if key in FACTS["entries"]:
        strides = FACTS["entries"][key]["strides"]
        values[key] = found[tuple(slice(None, None, stride) for stride in strides)]
        values |= {f"{key}/mean": found.mean((2, 3)), f"{key}/std": found.std((2, 3), correction=0)}
    for name, value in values.items():
        np.testing.assert_allclose(value, EXPECTED[name], rtol=rtol, atol=atol, err_msg=name)


def test_number_of_parameters(config, made):
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in networks(made).items()}
    assert counts == PARAMETERS[config]


def test_blocks_of_channels(config, made):
    blocks = FACTS["channel_blocks"][config]
    expected = [i for i, (first, end) in enumerate(blocks) for _ in range(first, end)]
    assert attribute_of_channel(512, len(blocks)) == expected
    assert made.editor.owners.tolist() == expected


@torch.no_grad()
def test_networks(config, made, photos):
    images, reference = photos
    own, skips = made.editor.encoder(images)
    other, _ = made.editor.encoder(reference)
    assert_output(own, f"{config}/Enc/z")
    for index, skip in enumerate(skips):
        assert_output(skip, f"{config}/Enc/skip{index}")
    rebuilt = made.editor.decoder(own, own, skips)
    assert_output(rebuilt, f"{config}/Dec/recon_residual")
    assert_output(made.editor.decoder(own, other), f"{config}/Dec/no_skip")
    for attribute in FACTS["edit_attributes"][config]:
        swapped = exchange(own, other, (made.editor.owners == attribute)[None])
        if attribute == FACTS["edit_attributes"][config][0]:
            assert_output(swapped, f"{config}/z_D")
        residual = made.editor.decoder(swapped, own, skips)
        assert_output(residual, f"{config}/edit_attr{attribute}/residual")
        assert_output(residual - rebuilt, f"{config}/edit_attr{attribute}/effect", rtol=0, atol=2e-6)
    for k, discriminator in enumerate(made.discriminators, 1):
        logits = discriminator(images, labels(config, "y_A"))
        assert_output(logits, f"{config}/D{k}/logit")
        assert_output(logits.sigmoid(), f"{config}/D{k}/prob")


def test_edits(config, made, photos):
    images, reference = photos
    source = labels(config, "y_A")

    def edited(columns: list[int], *, back: bool = False, **options: float) -> Tensor:
        target = source.clone()
        target[:, columns] = 1 - target[:, columns]
        first, second = (reference, images) if back else (images, reference)
        return made.editor.edit(first, target, second, source_labels=source, **options)

    attributes = FACTS["edit_attributes"][config]
    for attribute in attributes:
        assert_output(edited([attribute]), f"{config}/edit_attr{attribute}/image")
    assert_output(edited(attributes[:1], back=True), f"{config}/edit_attr{attributes[0]}/reverse")
    assert_output(edited(attributes[:1], strength=0.5), f"{config}/edit_attr{attributes[0]}_half/image")
    assert_output(edited(FACTS["multi_edit_attributes"][config]), f"{config}/edit_multi/image")


def test_losses_and_gradients(config, made, photos):
    attribute = FACTS["labels"][config]["loss_attribute"]
    own, other = labels(config, "y_A"), labels(config, "y_B")
    own[:, attribute], other[:, attribute] = 1, 0
    images, both = torch.cat(photos), torch.cat([own, other])
    edit_labels = exchanged_labels(both, attribute)
    rebuilt, edits = made.exchanged(images, attribute)

    d_terms = made.discriminator_terms(images, both, edits.detach(), edit_labels)
    d_total = discriminator_total(d_terms, made.recipe.weights)
    g_terms = made.generator_terms(images, rebuilt, edits, edit_labels)
    g_total = generator_total(g_terms, made.recipe.weights)
    names = {
        "D_D1": d_terms["d1"],
        "D_D2": d_terms["d2"],
        "D_total": d_total,
        "G_reconstruction": g_terms["reconstruction"],
        "G_adv1": g_terms["adv1"],
        "G_adv2": g_terms["adv2"],
        "G_total": g_total,
    }
    for name, value in names.items():
        np.testing.assert_allclose(value.detach(), EXPECTED[f"loss/{config}/{name}"], rtol=1e-4, err_msg=name)

    d_total.backward(inputs=list(made.discriminators.parameters()))
    g_total.backward(inputs=list(made.editor.parameters()))
    for name, network in networks(made).items():
        squares = [parameter.grad.square().sum() for parameter in network.parameters()]
        norm = torch.stack(squares).sum().sqrt()
        np.testing.assert_allclose(norm, EXPECTED[f"{config}/grad/{name}_norm"], rtol=5e-3, err_msg=name)
