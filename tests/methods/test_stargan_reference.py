"""StarGAN equals the official PyTorch code: outputs, edits, losses, gradients, and losses after an Adam step."""

from __future__ import annotations

import copy
import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from methods.stargan.objective import LossWeights, discriminator_terms, generator_terms, total
from methods.stargan.training import StarGANRecipe, StarGANTraining

REFERENCE = Path(__file__).parents[1] / "reference"
WEIGHTS = SimpleNamespace(**runpy.run_path(str(REFERENCE / "weights.py")))
FACTS = json.loads((REFERENCE / "stargan" / "reference.json").read_text())
MANIFEST = json.loads((REFERENCE / "stargan" / "manifest.json").read_text())
EXPECTED = np.load(REFERENCE / "stargan" / "expected.npz")
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


def test_losses_and_gradients(config, made):
    generator, discriminator, weights = made.editor.generator, made.discriminator, LossWeights()
    images, source, target = inputs(config)
    with torch.no_grad():
        fake = generator(images, target)
    terms = discriminator_terms(discriminator, images, source, fake, torch.full((2,), 0.5))
    assert_terms(terms, f"loss/{config}/d_", rtol=1e-3, atol=1e-5)
    assert_gradients(total(terms, weights), discriminator, f"grad/{config}/d/discriminator")
    terms = generator_terms(generator, discriminator, images, source, target)
    assert_terms(terms, f"loss/{config}/g_", rtol=1e-3, atol=1e-5)
    assert_gradients(total(terms, weights), generator, f"grad/{config}/g/generator")


def test_losses_after_steps(config, made):
    made = copy.deepcopy(made)
    images, source, target = inputs(config)
    half, tolerance = torch.full((2,), 0.5), {"rtol": 2e-3, "atol": 5e-3}
    made.discriminator_step(images, source, target, half)
    logs = made.generator_step(images, source, target)
    after_d = {name.removeprefix("generator/"): value for name, value in logs.items()}
    assert_terms(after_d, f"step/{config}/g_", "_after_d_step", **tolerance)
    generator, discriminator = made.editor.generator, made.discriminator
    with torch.no_grad():
        fake = generator(images, target)
        edits = generator_terms(generator, discriminator, images, source, target)
    assert_terms(edits, f"step/{config}/g_", "_after_both", **tolerance)
    terms = discriminator_terms(discriminator, images, source, fake, half)
    assert_terms(terms, f"step/{config}/d_", "_after_both", **tolerance)


def assert_terms(terms: dict[str, torch.Tensor], prefix: str, suffix: str = "", **tolerance: float) -> None:
    short = {"classification": "cls", "reconstruction": "rec", "penalty": "gp"}
    if "total" not in terms:
        terms = terms | {"total": total(terms, LossWeights())}
    for name, value in terms.items():
        key = f"{prefix}{short.get(name, name)}{suffix}"
        np.testing.assert_allclose(value.detach(), EXPECTED[key], err_msg=key, **tolerance)


def assert_gradients(loss: torch.Tensor, network: torch.nn.Module, key: str) -> None:
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    np.testing.assert_allclose([float(g.norm()) for g in gradients], EXPECTED[key], rtol=1e-2, atol=1e-2)
