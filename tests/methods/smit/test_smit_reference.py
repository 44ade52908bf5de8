"""SMIT equals the official PyTorch code: maps, edits, discriminator, losses and the generator's gradient.

What takes more than seconds on a CPU runs only where BRIDGEBENCH_HEAVY is set.
"""

from __future__ import annotations

import numpy as np
import official_numbers
import pytest
import torch
from official_numbers import WEIGHTS, heavy

from bridgebench.methods.smit.editor import SMIT
from bridgebench.methods.smit.networks import Discriminator
from bridgebench.methods.smit.objective import LossWeights, discriminator_terms, generator_terms, total
from bridgebench.methods.smit.official import discriminator_names, generator_names
from bridgebench.methods.smit.recipe import SMITRecipe

FACTS = official_numbers.facts("smit")
MANIFEST = official_numbers.manifest("smit")
EXPECTED = official_numbers.expected("smit")
SALT, TOLERANCE = FACTS["salt"], FACTS["tolerance"]
SUFFIX = {"c256": "", "c128": "@c128"}


def reference_state(network: str, names: dict[str, str]) -> dict[str, torch.Tensor]:
    """The reference weights under our names; what has no place here are buffers that nothing reads."""
    assert {name for name in MANIFEST[network] if "running_" not in name} == set(names.values())
    arrays = WEIGHTS.make_state(SALT, {official: MANIFEST[network][official] for official in names.values()})
    return {name: torch.from_numpy(arrays[official]) for name, official in names.items()}


def generator_editor(config: str) -> SMIT:
    facts = FACTS["configs"][config]
    editor = SMIT(attributes=["x"] * facts["c_dim"], image_size=facts["image_size"]).eval()
    names = generator_names(editor.generator)
    editor.generator.load_state_dict(reference_state("G" + SUFFIX[config], names))
    return editor


@pytest.fixture(scope="module")
def editor() -> SMIT:
    """At 128 pixels with the reference weights; not to be changed."""
    return generator_editor("c128")


@pytest.fixture(scope="module")
def critic() -> tuple[Discriminator, dict[str, torch.Tensor]]:
    """At 128 pixels, and its first state: every call changes it."""
    return discriminator_and_state("c128")


def discriminator_and_state(config: str) -> tuple[Discriminator, dict[str, torch.Tensor]]:
    facts = FACTS["configs"][config]
    discriminator = Discriminator(
        facts["c_dim"], facts["image_size"], SMITRecipe().discriminator_width_at(facts["image_size"])
    )
    return discriminator, reference_state("D" + SUFFIX[config], discriminator_names(discriminator))


def inputs(config: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images, their labels, and styles (3, 2, 20)."""
    size = FACTS["configs"][config]["image_size"]
    images = torch.from_numpy(WEIGHTS.images(SALT, 2, size, size))
    labels = torch.from_numpy(WEIGHTS.labels_from_bits(FACTS["labels"][config]["c_real"]))
    noise = [WEIGHTS.noise(SALT, (2, 20), key=key) for key in ("noise", "noise_rec", "noise_idt")]
    return images, labels, torch.from_numpy(np.stack(noise))


def assert_close(found: torch.Tensor, key: str, tolerance: str = "outputs") -> None:
    """Against a whole entry, or a sample of it with its statistics; fewer rows than were stored are compared alone."""
    rows, strides = len(found) if found.ndim else 1, FACTS["entries"][key].get("strides", [1] * found.ndim)
    sample, bounds = found[tuple(slice(None, None, step) for step in strides)], TOLERANCE[tolerance]
    expected = EXPECTED[key][:rows] if found.ndim else EXPECTED[key]
    np.testing.assert_allclose(sample, expected, err_msg=key, **bounds)
    if f"{key}/mean" in EXPECTED:
        np.testing.assert_allclose(found.mean((2, 3)), EXPECTED[f"{key}/mean"][:rows], err_msg=key, **bounds)
        np.testing.assert_allclose(
            found.std((2, 3), correction=0), EXPECTED[f"{key}/std"][:rows], err_msg=key, **bounds
        )


@torch.no_grad()
def test_the_maps_of_the_generator(editor):
    images, labels, noise = inputs("c128")
    generator, seen = editor.generator, {}
    maps = {"down": generator.down, "res0": generator.blocks[0], "res5": generator.blocks[5], "features": generator.up}
    hooks = [
        module.register_forward_hook(lambda module, given, out, name=name: seen.update({name: out.clone()}))
        for name, module in maps.items()
    ]
    code = generator.embed(noise[0], labels.flip(0))
    assert_close(code, "c128/G/de_params")
    pixels, mask = generator.decode(generator.encode(images), code)
    for name, found in {**seen, "fake_raw": pixels, "mask": mask}.items():
        assert_close(found, f"c128/G/{name}")
    for hook in hooks:
        hook.remove()
    edited = editor.edit(images, labels.flip(0), noise=noise[0])
    assert_close(edited, "c128/G/image")
    assert sum(parameter.numel() for parameter in editor.parameters() if parameter.requires_grad) == 8_165_472
    assert sum(parameter.numel() for parameter in generator.embedding.parameters()) == 215_040


@pytest.mark.parametrize("config", ["c128", "c256"])
def test_edit_of_one_attribute_with_one_style(config, editor):
    editor = editor if config == "c128" else generator_editor(config)
    images, labels, noise = inputs(config)
    target = labels.clone()
    target[:, 1] = 1 - target[:, 1]
    edited = editor.edit(images[:1], target[:1], noise=noise[0, :1])
    assert_close(edited, f"{config}/G/edit_flip1/image")


@pytest.mark.parametrize("config", ["c128", "c256"])
@torch.no_grad()
def test_discriminator(config, critic):
    discriminator, state = critic if config == "c128" else discriminator_and_state(config)
    discriminator.load_state_dict(state)
    images, _, _ = inputs(config)
    for call in ("call1", "call2"):
        realness, logits = discriminator.eval()(images)
        for scale in range(3):
            assert_close(realness[scale], f"{config}/D/{call}/src{scale}", "D/*")
            assert_close(logits[scale], f"{config}/D/{call}/aux{scale}", "D/*")
        if call == "call1":
            assert_close(torch.stack(logits).sigmoid().mean(0), f"{config}/D/prob", "D/*")
    counted = {"c128": 3_724_112, "c256": 58_874_784}
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == counted[config]


@pytest.mark.parametrize("config", ["c128", pytest.param("c256", marks=heavy)])
def test_losses_and_gradient(config, editor, critic):
    editor, (discriminator, state) = (
        (editor, critic) if config == "c128" else (generator_editor(config), discriminator_and_state(config))
    )
    images, labels, noise = inputs(config)
    target, network = labels.flip(0), editor.generator
    with torch.no_grad():
        fake, _ = network(images, network.embed(noise[0], target))
        discriminator.load_state_dict(state)
        terms = discriminator_terms(discriminator, images, labels, fake)
    assert_terms(terms, f"loss/{config}/D", {"realness": "src", "classification": "cls"})

    discriminator.load_state_dict(state)
    terms = generator_terms(network, discriminator, images, labels, target, noise)
    short = {"realness": "src", "classification": "cls", "reconstruction": "rec", "identity": "idt"}
    assert_terms(terms, f"loss/{config}/G", {**short, "mask": "atm", "smoothness": "ats"})
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    gradients = torch.autograd.grad(total(terms, LossWeights()), trained)
    assert_close(torch.stack([gradient.norm() for gradient in gradients]).norm(), f"{config}/grad/G_norm", "grad")


def assert_terms(terms: dict[str, torch.Tensor], key: str, names: dict[str, str]) -> None:
    assert terms.keys() == names.keys()
    for name, value in terms.items():
        assert_close(value.detach() * getattr(LossWeights(), name, 1.0), key + names[name], "loss")
    assert_close(total(terms, LossWeights()).detach(), f"{key}_total", "loss")
