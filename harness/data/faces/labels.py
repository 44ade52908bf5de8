"""Label vectors of drawn faces: a joint distribution with CelebA's marginals and its strong correlations."""

from __future__ import annotations

import numpy as np

from bridgebench.methods.core.labels import BEARDS, CELEBA14, HAIR_COLOURS

_COLOURS_OF_WOMEN = {"Black_Hair": 0.21, "Blond_Hair": 0.24, "Brown_Hair": 0.235}
_COLOURS_OF_MEN = {"Black_Hair": 0.32, "Blond_Hair": 0.035, "Brown_Hair": 0.17}


def sample_labels(seed: int, balance: bool = False) -> np.ndarray:
    """One label vector, uint8 (14,) of 0 and 1 in the order of `CELEBA14`, the same for the same seed.

    By default the marginals and strong correlations are CelebA's (list_attr_celeba.txt): rare beards, on men only;
    grey and receding hair mostly on the old; an open mouth mostly with a smile. With `balance` each attribute is
    drawn on its own, near one half where the rules allow: the set to train a classifier or a method on.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 1])))
    on = _balanced(rng) if balance else _natural(rng)
    return np.array([name in on for name in CELEBA14], dtype=np.uint8)


def _natural(rng: np.random.Generator) -> set[str]:
    on: set[str] = set()

    def draw(name: str, chance: float) -> bool:
        if rng.random() < chance:
            on.add(name)
        return name in on

    male = draw("Male", 0.42)
    young = draw("Young", 0.65 if male else 0.86)
    draw("Mouth_Slightly_Open", 0.76 if draw("Smiling", 0.40 if male else 0.54) else 0.22)
    if not draw("Gray_Hair", 0.004 if young else (0.20 if male else 0.10)):
        _draw_one(on, rng, _COLOURS_OF_MEN if male else _COLOURS_OF_WOMEN)
    receding = draw("Receding_Hairline", (0.10 if young else 0.30) if male else (0.012 if young else 0.06))
    if not receding:
        draw("Bangs", 0.07 if male else 0.22)
    if not draw("No_Beard", 0.595 if male else 1.0):
        draw("Mustache", 0.40 if draw("Goatee", 0.353) else 0.145)
        draw("Sideburns", 0.353)
    return on


def _balanced(rng: np.random.Generator) -> set[str]:
    on: set[str] = set()
    for name, chance in (("Male", 0.5), ("Young", 0.55), ("Smiling", 0.5), ("Mouth_Slightly_Open", 0.5)):
        if rng.random() < chance:
            on.add(name)
    _draw_one(on, rng, dict.fromkeys(HAIR_COLOURS, 0.19))
    _draw_one(on, rng, {"Receding_Hairline": 1 / 3, "Bangs": 1 / 3})
    if rng.random() < 0.45:
        on.add("No_Beard")
    else:
        on.update(name for name in BEARDS if rng.random() < 0.5)
    return on


def _draw_one(on: set[str], rng: np.random.Generator, chances: dict[str, float]) -> None:
    """Add at most one of the names, each with its chance."""
    left = rng.random()
    for name, chance in chances.items():
        if left < chance:
            on.add(name)
            return
        left -= chance
