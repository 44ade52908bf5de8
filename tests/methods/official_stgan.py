"""The weights, inputs and numbers of STGAN's official code."""

from __future__ import annotations

import numpy as np
import official_numbers
import torch
from official_numbers import WEIGHTS

from bridgebench.methods.core.labels import HAIR_COLOURS

FACTS = official_numbers.facts("stgan")
MANIFEST = official_numbers.manifest("stgan")
EXPECTED = official_numbers.expected("stgan")
SCOPES = {"encoder": "Genc", "units": "Gstu", "decoder": "Gdec"}
NETWORK = {"atol": 5e-6, "rtol": 1e-4}
IN_TRAINING = {"atol": 5e-5, "rtol": 0}
RESOLVED = {"Bald": ["Bangs"], "Receding_Hairline": ["Bangs"], "Bangs": ["Bald", "Receding_Hairline"]} | {
    colour: [other for other in HAIR_COLOURS if other != colour] for colour in HAIR_COLOURS
}


def draw(shapes: dict[str, list[int]]) -> dict[str, np.ndarray]:
    layout = {True: "HWOI", False: -1}
    return WEIGHTS.make_state(FACTS["salt"], shapes, out_dim=lambda name, _: layout["Conv2d_transpose" in name])


def inputs(facts: dict = FACTS["labels"]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    labels = torch.from_numpy(WEIGHTS.labels_from_bits(facts["a"]))
    return torch.from_numpy(WEIGHTS.images(FACTS["salt"], 2, 128, 128)), labels, labels.flip(0)


def assert_equal(found: torch.Tensor, key: str, **tolerance: float) -> None:
    array = found.detach().numpy()
    if key in FACTS["strided"]:
        for statistic in ("mean", "std"):
            value = getattr(np, statistic)(array, axis=(0, 2, 3), dtype=np.float64)
            np.testing.assert_allclose(value, EXPECTED[f"{key}.{statistic}"], err_msg=key, **tolerance)
        array = WEIGHTS.sample(array, FACTS["strided"][key])
    np.testing.assert_allclose(array, EXPECTED[key], err_msg=key, **tolerance)


def flipped(source: torch.Tensor, names: list[str], attributes: tuple[str, ...]) -> torch.Tensor:
    """The official flip of attributes one after the other, with the official rules."""
    target = source.clone()
    for name in names:
        column = attributes.index(name)
        target[:, column] = 1 - target[:, column]
        for other in set(RESOLVED.get(name, ())) & set(attributes):
            target[target[:, column] == 1, attributes.index(other)] = 0
    return target
