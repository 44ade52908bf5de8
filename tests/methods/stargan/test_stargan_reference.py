"""StarGAN equals the official PyTorch code: outputs, edits, losses, gradients, and losses after an Adam step."""

from __future__ import annotations

import copy

import numpy as np
import official_numbers
import pytest
import torch
from official_numbers import WEIGHTS

from bridgebench.methods.stargan.objective import LossWeights, discriminator_terms, generator_terms, total
from bridgebench.methods.stargan.recipe import StarGANRecipe
from bridgebench.methods.stargan.training import StarGANTraining

FACTS = official_numbers.facts("stargan")
MANIFEST = official_numbers.manifest("stargan")
EXPECTED = official_numbers.expected("stargan")
OVERRIDES = {name: {"out_dim": "IOHW"} for name in FACTS["weights"]["transposed_conv"]["names"]}
UNREAD = ("running_mean", "running_var", "num_batches_tracked")


def reference_state(network: str) -> dict[str, torch.Tensor]:
    arrays = WEIGHTS.make_state(FACTS["salt"], MANIFEST[network], overrides=OVERRIDES)
    return {name: torch.from_numpy(array) for name, array in arrays.items() if not name.endswith(UNREAD)}


@pytest.fixture(scope="module", params=["c5", "c14"])
def config(request):
    return request.param


@pytest.fixture(scope="module")
def made(config):
    """Both networks with the reference weights, drawn once a config; not to be changed."""
    made = StarGANTraining(StarGANRecipe(), FACTS["inputs"]["labels"][config]["attributes"], 128, 0, seed=0)
    generator, discriminator = FACTS["networks"][config]
    made.editor.generator.load_state_dict(reference_state(generator))
    made.discriminator.load_state_dict(reference_state(discriminator))
    return made


def inputs(config: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    labels = FACTS["inputs"]["labels"][config]
    images = torch.from_numpy(WEIGHTS.images(FACTS["salt"], 2, 128, 128))
    return images, torch.tensor(labels["c_org"]).float(), torch.tensor(labels["c_trg"]).float()


def assert_image(found: torch.Tensor, key: str) -> None:
    tolerance = {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(found[:, :, ::8, ::8], EXPECTED[f"{key}/sample"], **tolerance)
    np.testing.assert_allclose(found.mean((2, 3)), EXPECTED[f"{key}/mean"], **tolerance)
    np.testing.assert_allclose(found.std((2, 3), correction=0), EXPECTED[f"{key}/std"], **tolerance)


def test_networks(config, made):
    images, source, target = inputs(config)
    counts = FACTS["parameters"]
    names = FACTS["networks"][config]
    assert sum(p.numel() for p in made.editor.parameters()) == counts[names[0]]
    assert sum(p.numel() for p in made.discriminator.parameters()) == counts[names[1]]
    fake = made.editor.edit(images, labels=target, source_labels=source)
    assert_image(fake, f"{config}/G_train")
    with torch.no_grad():
        for key, pictures in (("D", images), ("D_fake", fake)):
            realness, logits = made.discriminator(pictures)
            np.testing.assert_allclose(realness, EXPECTED[f"{config}/{key}/src"], rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(logits, EXPECTED[f"{config}/{key}/cls"], rtol=1e-3, atol=1e-4)


def test_edit_of_one_attribute(config, made):
    images, source, _ = inputs(config)
    target = torch.from_numpy(EXPECTED[f"{config}/create_labels"][3]).float()
    assert_image(made.editor.edit(images, labels=target, source_labels=source), f"{config}/G_edit_attr3")


def test_losses_gradients_and_steps(config, made):
    made = copy.deepcopy(made)
    generator, discriminator = made.editor.generator, made.discriminator
    images, source, target = inputs(config)
    half, exact, after = torch.full((2,), 0.5), {"rtol": 1e-3, "atol": 1e-5}, {"rtol": 2e-3, "atol": 5e-3}

    terms = generator_terms(generator, discriminator, images, source, target)
    assert_terms(terms, f"loss/{config}/g_", **exact)
    total(terms, LossWeights()).backward(inputs=list(generator.parameters()))
    assert_gradients(generator, f"grad/{config}/g/generator")

    fake = generator(images, target)
    assert_terms(made.discriminator_step(images, source, fake.detach(), half), f"loss/{config}/d_", **exact)
    assert_gradients(discriminator, f"grad/{config}/d/discriminator")

    terms = made.generator_step(images, source, target, fake)
    assert_terms(terms, f"step/{config}/g_", "_after_d_step", **after)
    with torch.no_grad():
        fake = generator(images, target)
        edits = generator_terms(generator, discriminator, images, source, target)
    assert_terms(edits, f"step/{config}/g_", "_after_both", **after)
    terms = discriminator_terms(discriminator, images, source, fake, half)
    assert_terms(terms, f"step/{config}/d_", "_after_both", **after)


def assert_terms(terms: dict[str, torch.Tensor], prefix: str, suffix: str = "", **tolerance: float) -> None:
    short = {"classification": "cls", "reconstruction": "rec", "penalty": "gp"}
    terms = {name.split("/")[-1]: value.detach() for name, value in terms.items()}
    for name, value in {"total": total(terms, LossWeights()), **terms}.items():
        key = f"{prefix}{short.get(name, name)}{suffix}"
        np.testing.assert_allclose(value, EXPECTED[key], err_msg=key, **tolerance)


def assert_gradients(network: torch.nn.Module, key: str) -> None:
    norms = [float(parameter.grad.norm()) for parameter in network.parameters()]
    np.testing.assert_allclose(norms, EXPECTED[key], rtol=1e-2, atol=1e-2)
