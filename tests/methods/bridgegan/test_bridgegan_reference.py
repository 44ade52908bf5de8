"""BridgeGAN equals the official TensorFlow code: networks, edits, noise memory, losses and gradients."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import official_numbers
import pytest
import torch
from official_numbers import WEIGHTS

from bridgebench.methods.bridgegan import objective
from bridgebench.methods.bridgegan.official import official_names
from bridgebench.methods.bridgegan.pairing import Codes, Pairing
from bridgebench.methods.bridgegan.recipe import BridgeGANRecipe
from bridgebench.methods.bridgegan.training import BridgeGANTraining
from bridgebench.methods.nn.losses import gradient_penalty, l1
from bridgebench.methods.official.tensors import tensorflow_state

FACTS = official_numbers.facts("bridgegan")
MANIFEST = official_numbers.manifest("bridgegan")
EXPECTED = official_numbers.expected("bridgegan")
TOLERANCE = {what.split(" (")[0]: value for what, value in FACTS["tolerances"].items() if what != "basis"}
SCOPES = {"generator": "Ggenerator", "mapping": "Gmappingnet", "encoder": "Gencoder", "discriminator": "Discriminator"}


def networks(made: BridgeGANTraining) -> dict[str, torch.nn.Module]:
    editor = made.editor
    parts = {"generator": editor.generator, "mapping": editor.mapping, "encoder": editor.encoder}
    return parts | {"discriminator": made.discriminator}


@pytest.fixture(scope="module")
def made():
    """All networks at the paper's sizes with the reference weights; not to be changed."""
    recipe = BridgeGANRecipe(loss_weights="official-code")
    made = BridgeGANTraining(recipe, tuple(FACTS["attributes"]), 128, dataset_size=2, seed=0)
    for part, network in networks(made).items():
        arrays = WEIGHTS.make_state(FACTS["salt"], MANIFEST[part], out_dim=-1)
        network.load_state_dict(
            tensorflow_state(network, official_names(network, SCOPES[part]), arrays, "the reference")
        )
    return made


@pytest.fixture(scope="module")
def pairing():
    """The reference's batch: X_s, X_r, labels and noise, every uniform draw 0.5."""
    salt = FACTS["salt"]
    source, target = (torch.from_numpy(WEIGHTS.labels_from_bits(FACTS["inputs"][key])) for key in ("Ys", "Yt"))
    return Pairing(
        images=torch.from_numpy(WEIGHTS.images(salt, 2, 128, 128)),
        reference=torch.from_numpy(WEIGHTS.images(salt, 2, 128, 128, key="reference")),
        source_labels=source,
        target_labels=target,
        noise=torch.from_numpy(WEIGHTS.noise(salt, (2, 16))),
        other_noise=torch.from_numpy(WEIGHTS.noise(salt, (2, 16), key="noise2")),
        mix=torch.full((2,), 0.5),
        penalty_mix=torch.full((6,), 0.5),
        rows=torch.tensor([1, 0]),
    )


@pytest.fixture(scope="module")
def update(made, pairing):
    """One update of each side: its losses, codes and edits, and a copy of the networks with the gradients behind it."""
    made = copy.deepcopy(made)
    codes, hidden = made.codes(pairing), made.editor.generator.encode_images(pairing.images)
    edits = made.edits(pairing, hidden, codes)
    losses = made.update_generator(pairing, hidden, codes, edits)
    losses |= made.update_discriminator(pairing, edits.detach())
    return SimpleNamespace(
        made=made,
        losses={name: value.detach() for name, value in losses.items()},
        codes=Codes(*(part.detach() for part in vars(codes).values())),
        hidden=hidden.detach(),
        edits=edits.detach(),
    )


def assert_map(found: torch.Tensor, key: str) -> None:
    """An image or a code map against its sample and its channels' statistics."""
    tolerance = {"rtol": 0, "atol": TOLERANCE["images and codes"], "err_msg": key}
    sample = WEIGHTS.sample(found, FACTS["strides"].get(key, [1] * found.ndim))
    np.testing.assert_allclose(sample, EXPECTED[key], **tolerance)
    np.testing.assert_allclose(found.mean((2, 3)), EXPECTED[f"{key}/channel_mean"], **tolerance)
    np.testing.assert_allclose(found.std((2, 3), correction=0), EXPECTED[f"{key}/channel_std"], **tolerance)


def assert_close(found, key: str, tolerance: str) -> None:
    relative = tolerance in ("loss terms", "gradient norms")
    scale = {"rtol": TOLERANCE[tolerance], "atol": 0} if relative else {"rtol": 0, "atol": TOLERANCE[tolerance]}
    np.testing.assert_allclose(found, EXPECTED[key], err_msg=key, **scale)


def test_sizes_and_names(made):
    counts = FACTS["parameter_counts"]
    for part, network in networks(made).items():
        assert sum(p.numel() for p in network.parameters()) == counts[part]
        assert set(official_names(network, SCOPES[part]).values()) == set(MANIFEST[part])
        assert set(official_names(network, SCOPES[part])) == set(dict(network.named_parameters()))


@torch.no_grad()
def test_networks(made, pairing):
    editor, images, difference = made.editor, pairing.images, pairing.difference
    code = torch.from_numpy(WEIGHTS.rng(FACTS["salt"], "S").standard_normal((2, 32, 64, 64)).astype(np.float32))
    assert_map(editor.generator(images, code), "net/G")
    assert_map(editor.mapping(pairing.noise, difference), "net/M")
    assert_map(editor.encoder(images, -difference), "net/E")
    realness, logits = made.discriminator(images)
    assert_close(realness, "net/D_gan", "D outputs")
    assert_close(logits, "net/D_att", "D outputs")
    assert torch.equal(made.discriminator.score(images), realness)
    assert torch.equal(made.discriminator.classify(images), logits)


@pytest.mark.parametrize(("scale", "strength"), [(1.0, 1.0), (1.5, None)])
def test_edits(made, pairing, scale, strength):
    """Strength 1 as in training; without one the official test's 1.5."""
    key, editor = f"edit_x{scale}", made.editor
    given = {"labels": pairing.target_labels, "source_labels": pairing.source_labels, "noise": pairing.noise}
    assert_map(editor.edit(pairing.images, strength=strength, **given), f"{key}/label")
    given["reference"] = pairing.reference
    assert_map(editor.edit(pairing.images, strength=strength, **given), f"{key}/reference")
    assert_map(editor.edit(pairing.images, strength=scale, mix=0.5, **given), f"{key}/interp_S")
    difference = scale * pairing.difference
    with torch.no_grad():
        label, source = editor.mapping(pairing.noise, difference), editor.encoder(pairing.images, -difference)
        reference = editor.encoder(pairing.reference, difference)
    maps = {"M": label, "E_source": source, "E_reference": reference, "S_rand": label + source}
    for name, found in {**maps, "S_ref": reference + source}.items():
        assert_map(found, f"{key}/{name}")


def test_nothing_to_change(made, pairing, update):
    """Also the two reconstructions of training, whose noise is the memory's."""
    same = {"labels": pairing.source_labels, "source_labels": pairing.source_labels}
    assert_map(made.editor.edit(pairing.images, noise=pairing.noise, **same), "edit_zero/label")
    by_label = made.editor.edit(pairing.images, noise=update.codes.noise, **same)
    by_reference = made.editor.edit(pairing.images, reference=pairing.reference, **same)
    for kind, rebuilt in (("rand", by_label), ("ref", by_reference)):
        assert_map(rebuilt, f"train/xg_{kind}_rec")
        assert_close(objective.reconstruction(pairing.images, [rebuilt]), f"loss/g_rec_{kind}", "loss terms")


def test_memory_step(made, pairing, update):
    np.testing.assert_allclose(pairing.noise, EXPECTED["memory/r0"])
    assert_close(update.codes.noise, "memory/r_new", "memory")
    gradient = torch.from_numpy(EXPECTED["memory/grad"])
    assert_close(objective.memory_step(pairing.noise, gradient), "memory/r_new", "memory")


@torch.no_grad()
def test_memory_step_climbs_as_released(made, pairing, update):
    """SPEC section 1: the matching loss before the step and after either sign of it."""

    def matching(noise: torch.Tensor) -> float:
        return float((update.codes.reference - made.editor.mapping(noise, pairing.difference)).square().mean())

    gradient = torch.from_numpy(EXPECTED["memory/grad"])
    assert matching(pairing.noise) == pytest.approx(float(EXPECTED["loss/latent_mse"]), rel=1e-5)
    assert matching(objective.memory_step(pairing.noise, gradient, 1)) == pytest.approx(0.70074, abs=1e-5)
    assert matching(objective.memory_step(pairing.noise, gradient, -1)) == pytest.approx(0.69171, abs=1e-5)


@torch.no_grad()
def test_training_edits(made, pairing, update):
    codes = update.codes
    assert_map(codes.label + codes.source, "train/s_rand")
    assert_map(codes.reference + codes.source, "train/s_ref")
    for kind, edited in zip(("rand", "ref", "interp"), update.edits.chunk(3), strict=True):
        assert_map(edited, f"train/xg_{kind}")
    other = made.editor.mapping(pairing.other_noise, pairing.difference) + codes.source
    other_edit = made.editor.generator.decode_with(update.hidden, other)
    assert_map(other_edit, "train/xg_rand_noise2")
    assert_close(l1(codes.noise, pairing.other_noise), "loss/ms_numerator", "loss terms")
    assert_close(l1(update.edits[:2], other_edit), "loss/ms_denominator_without_eps", "loss terms")


@torch.no_grad()
def test_terms_of_each_image(made, pairing, update):
    scores, logits = made.discriminator(update.edits)
    assert_close(scores[:2], "train/D_rand_gan", "D outputs")
    assert_close(logits[:2], "train/D_rand_att", "D outputs")
    for kind, score, logit in zip(("rand", "ref", "interp"), scores.chunk(3), logits.chunk(3), strict=True):
        assert_close(-objective.mean_score([score]), f"loss/g_gan_{kind}", "loss terms")
        assert_close(objective.classification([logit], pairing.target_labels), f"loss/g_cls_{kind}", "loss terms")
    codes = {"rand": update.codes.label, "ref": update.codes.reference}
    for (kind, code), edited in zip(codes.items(), update.edits.chunk(3), strict=False):
        read_back = made.editor.encoder(edited, pairing.difference)
        assert_close(objective.cycle([code], [read_back]), f"loss/g_cyc_{kind}", "loss terms")
    keep = objective.attribute_keeping_vector(pairing.difference, pairing.source_labels)
    assert_map(made.editor.encoder(update.edits[:2], keep), "train/ak_edit")
    assert_map(made.editor.encoder(pairing.images, keep), "train/ak_source")


def test_penalty_of_each_image(made, pairing, update):
    for kind, edited in zip(("rand", "ref", "interp"), update.edits.chunk(3), strict=True):
        penalty = gradient_penalty(made.discriminator.score, pairing.images, edited, pairing.mix)
        assert_close(penalty.detach(), f"loss/d_gp_{kind}", "loss terms")


def test_losses(update):
    losses = update.losses
    for name in ("d_gan", "d_gp", "d_cls", "g_gan", "g_cls", "g_rec", "g_sty", "g_ak", "g_ms"):
        assert_close(losses[name], f"loss/{name}", "loss terms")
    for side in ("d", "g"):
        assert_close(losses[f"{side}_total"], f"loss/{side}_total_official", "loss terms")
    update.made.weights = BridgeGANRecipe(loss_weights="supplement").weights()
    assert_close(update.made.generator_total(losses), "loss/g_total_supplement", "loss terms")


def test_gradients(update):
    for part, network in networks(update.made).items():
        scope, side = SCOPES[part], "d" if part == "discriminator" else "g"
        norm = torch.cat([parameter.grad.flatten() for parameter in network.parameters()]).norm()
        assert_close(norm, f"grad/{side}_total_official/norm/{scope}", "gradient norms")
    whole = [
        key.removeprefix("grad/total_official/") for key in EXPECTED.files if key.startswith("grad/total_official/")
    ]
    assert len(whole) == 4
    for part, network in networks(update.made).items():
        parameters = dict(network.named_parameters())
        for name, official in official_names(network, SCOPES[part]).items():
            if official in whole:
                assert_gradient(parameters[name].grad, f"grad/total_official/{official}")


def assert_gradient(found: torch.Tensor, key: str) -> None:
    tolerance = TOLERANCE["gradient tensors"] * np.abs(EXPECTED[key]).max()
    np.testing.assert_allclose(found, EXPECTED[key], rtol=0, atol=tolerance, err_msg=key)


def test_the_generators_update_writes_the_memory(update, pairing):
    assert torch.equal(update.made.memory[pairing.rows], update.codes.noise)
