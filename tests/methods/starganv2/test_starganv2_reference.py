"""StarGAN v2 equals the official PyTorch code: styles, edits, masks, networks.

The networks of official size are slow on a CPU: what takes more than seconds runs only where BRIDGEBENCH_HEAVY is set.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from official_numbers import WEIGHTS, heavy
from official_starganv2 import (
    CONFIGURATIONS,
    EXPECTED,
    FACTS,
    LEARNING,
    MANIFEST,
    SALT,
    assert_close,
    assert_map,
    discriminator,
    domains,
    images,
    made,
    masks,
    noise,
    state,
)

from bridgebench.methods.starganv2.masks import FaceMasks, masks_from
from bridgebench.methods.starganv2.networks import MappingNetwork

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
