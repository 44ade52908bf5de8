"""StarGAN v2 equals the official PyTorch code: styles, edits, masks, losses, gradients and one whole iteration.

The networks of official size are slow on a CPU: what takes more than seconds runs only where BRIDGEBENCH_HEAVY is set.
"""

from __future__ import annotations

import copy
import json
import os
import runpy
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from methods.starganv2.editor import StarGANv2
from methods.starganv2.masks import FaceMasks, masks_from
from methods.starganv2.networks import Discriminator, MappingNetwork
from methods.starganv2.objective import Conversion, Edit, LossWeights, generator_terms, generator_total
from methods.starganv2.pairing import Pairing
from methods.starganv2.recipe import StarGANv2Recipe
from methods.starganv2.training import StarGANv2Training

REFERENCE = Path(__file__).parents[1] / "reference"
WEIGHTS = SimpleNamespace(**runpy.run_path(str(REFERENCE / "weights.py")))
FACTS = json.loads((REFERENCE / "starganv2" / "reference.json").read_text())
MANIFEST = json.loads((REFERENCE / "starganv2" / "manifest.json").read_text())
EXPECTED = np.load(REFERENCE / "starganv2" / "expected.npz")
SALT = FACTS["salt"]
CONFIGURATIONS = FACTS["configurations"]
LEARNING = ("generator", "mapping_network", "style_encoder")
OFFICIAL = {"adversarial": "adv", "style": "sty", "diversity": "ds", "cycle": "cyc", "penalty": "reg"}
heavy = pytest.mark.skipif(not os.environ.get("BRIDGEBENCH_HEAVY"), reason="slow: set BRIDGEBENCH_HEAVY=1 to run it")


def state(configuration: str, network: str) -> dict[str, Tensor]:
    made = WEIGHTS.make_state(SALT, MANIFEST[f"{configuration}.{network}"])
    tensors = {name: torch.from_numpy(array) for name, array in made.items() if name != "hpf.filter"}
    if "hpf.filter" in made:
        kernel = torch.full((3, 3), -1.0)
        kernel[1, 1] = 8
        tensors["hpf.filter"] = kernel / CONFIGURATIONS[configuration]["w_hpf"]
    return tensors


def config(configuration: str) -> dict:
    facts = CONFIGURATIONS[configuration]
    domains = [f"domain {i}" for i in range(facts["num_domains"])]
    return {"attributes": domains, "image_size": facts["img_size"], "high_pass": float(facts["w_hpf"])}


@cache
def made(configuration: str) -> StarGANv2:
    """The editor with the reference weights; not to be changed. (FAN, where there is one, keeps random ones.)"""
    with torch.device("meta"):
        editor = StarGANv2(**config(configuration))
    for name in LEARNING:
        editor.get_submodule(name).load_state_dict(state(configuration, name), assign=True)
    return editor.eval()


@cache
def discriminator(configuration: str) -> Discriminator:
    facts = CONFIGURATIONS[configuration]
    with torch.device("meta"):
        network = Discriminator(facts["num_domains"], facts["img_size"], 2**14 // facts["img_size"])
    network.load_state_dict(state(configuration, "discriminator"), assign=True)
    return network


def images(configuration: str, key: str = "images") -> Tensor:
    size = CONFIGURATIONS[configuration]["img_size"]
    return torch.from_numpy(WEIGHTS.images(SALT, 2, size, size, key=key))


def noise(shape: tuple[int, int] = (2, 16), key: str = "noise") -> Tensor:
    return torch.from_numpy(WEIGHTS.noise(SALT, shape, key=key))


def domains(configuration: str, which: str) -> Tensor:
    return torch.tensor(FACTS["inputs"]["labels"][f"{CONFIGURATIONS[configuration]['num_domains']} domains"][which])


def masks() -> tuple[Tensor, Tensor]:
    one, other = (WEIGHTS.rng(SALT, f"mask{i}").uniform(0, 1, (2, 1, 256, 256)).astype(np.float32) for i in (0, 1))
    return torch.from_numpy(one), torch.from_numpy(other)


def assert_close(found: Tensor, key: str, rows: slice = slice(None), rtol: float = 1e-3, atol: float = 1e-4) -> None:
    np.testing.assert_allclose(found.detach(), EXPECTED[key][rows], rtol=rtol, atol=atol, err_msg=key)


def assert_map(found: Tensor, key: str, rows: slice = slice(None), atol: float = 1e-4) -> None:
    stride = found.shape[2] // 16
    assert_close(found[:, :, ::stride, ::stride], f"{key}/sample", rows, atol=atol)
    assert_close(found.mean((2, 3)), f"{key}/mean", rows, atol=atol)
    assert_close(found.std((2, 3), correction=0), f"{key}/std", rows, atol=atol)


# --- what is fast enough for every day --------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_styles_from_noise(configuration):
    count = CONFIGURATIONS[configuration]["num_domains"]
    network, targets = MappingNetwork(count), domains(configuration, "y_trg")
    network.load_state_dict(state(configuration, "mapping_network"))
    assert_close(network(noise(), targets), f"{configuration}/mapping")
    every = torch.stack([network(noise(), torch.full((2,), domain)) for domain in range(count)], dim=1)
    assert_close(every, f"{configuration}/mapping_all_domains")


def test_masks_of_landmark_maps():
    centres = WEIGHTS.rng(SALT, "heatmaps").uniform(32, 224, (2, 98, 2))
    rows = np.arange(256)
    down, across = (np.square(rows - centres[:, :, axis, None]) for axis in (0, 1))
    maps = np.exp(-(down[:, :, :, None] + across[:, :, None, :]) / 72).astype(np.float32)
    for index, mask in enumerate(masks_from(torch.from_numpy(maps))):
        assert_map(mask, f"fan_preprocess/mask{index}")


@torch.no_grad()
def test_edits_of_one_image():
    """By noise and by reference, through the editor's door; what the official code leaves out of [-1, 1] is clamped."""
    editor, one = made("bangs128"), slice(0, 1)
    pictures, labels = images("bangs128")[one], torch.eye(2)[domains("bangs128", "y_trg")][one]
    style = editor.mapping_network(noise()[one], domains("bangs128", "y_trg")[one])
    edited = editor.generator(pictures, style)
    assert_map(edited, "bangs128/G_latent", one)
    by_reference = editor.edit(pictures, labels, images("bangs128", "reference")[one])
    expected = np.clip(EXPECTED["bangs128/G_reference/sample"][one], -1, 1)
    np.testing.assert_allclose(by_reference[:, :, ::8, ::8], expected, rtol=1e-3, atol=1e-4)
    target = int(domains("bangs128", "y_trg")[0])
    mean = editor.mean_style(target, noise((64, 16), "noise_avg"))
    cut = mean + 0.7 * (editor.mapping_network(noise(), torch.full((2,), target)) - mean)
    assert_close(cut, "bangs128/style_psi0.7")


# --- heavy ------------------------------------------------------------------------------------------------------------


@heavy
@torch.no_grad()
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_networks(configuration):
    editor, judge, x = made(configuration), discriminator(configuration), images(configuration)
    counts, here, there = FACTS["parameters"], domains(configuration, "y_org"), domains(configuration, "y_trg")
    for name in LEARNING:
        parameters = sum(p.numel() for p in editor.get_submodule(name).parameters())
        assert parameters == counts[f"{configuration}.{name}"]
    assert sum(p.numel() for p in judge.parameters()) == counts[f"{configuration}.discriminator"]
    atol = 3e-4 if x.shape[2] == 256 else 1e-4
    given = masks() if editor.fan is not None else None
    latent, reference = (
        editor.mapping_network(noise(), there),
        editor.style_encoder(images(configuration, "reference"), there),
    )
    assert_close(reference, f"{configuration}/style_encoder")
    assert_close(editor.style_encoder(x, here), f"{configuration}/style_encoder_src")
    assert_close(judge(x, here), f"{configuration}/discriminator")
    fake = editor.generator(x, latent, given)
    assert_map(fake, f"{configuration}/G_latent", atol=atol)
    if configuration != "celebahq256":
        fake = editor.generator(x, reference, given)
        assert_map(fake, f"{configuration}/G_reference", atol=atol)
    assert_close(judge(fake, there), f"{configuration}/discriminator_fake")
    if configuration == "bangs128_hpf":
        assert_map(editor.generator(x, latent), "bangs128_hpf/G_latent_nomask")


@heavy
@torch.no_grad()
@pytest.mark.parametrize("size", [128, 256])
def test_landmarks(size):
    fan = FaceMasks()
    made_up = WEIGHTS.make_state(SALT, MANIFEST["fan"])
    fan.load_state_dict({name: torch.from_numpy(array) for name, array in made_up.items()})
    maps = fan.heatmaps(torch.from_numpy(WEIGHTS.images(SALT, 2, size, size)))
    assert_close(maps[:, ::7, ::8, ::8], f"fan{size}/heatmap/sample")
    assert_close(maps.mean((2, 3)), f"fan{size}/heatmap/mean")
    assert_close(maps.std((2, 3), correction=0), f"fan{size}/heatmap/std")


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
