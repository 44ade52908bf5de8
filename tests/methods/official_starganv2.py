"""StarGAN v2 with the weights, inputs and numbers of its official code."""

from __future__ import annotations

from functools import cache

import numpy as np
import official_numbers
import torch
from official_numbers import WEIGHTS
from torch import Tensor

from bridgebench.methods.starganv2.editor import StarGANv2
from bridgebench.methods.starganv2.networks import Discriminator

FACTS = official_numbers.facts("starganv2")
MANIFEST = official_numbers.manifest("starganv2")
EXPECTED = official_numbers.expected("starganv2")
SALT = FACTS["salt"]
CONFIGURATIONS = FACTS["configurations"]
LEARNING = ("generator", "mapping_network", "style_encoder")
OFFICIAL = {"adversarial": "adv", "style": "sty", "diversity": "ds", "cycle": "cyc", "penalty": "reg"}


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
