"""The label columns of the benchmark: the paper's 14 attributes (BridgeGAN, supplement, Tables 1 and 2), and domains."""

from __future__ import annotations

from collections.abc import Sequence

CELEBA14: tuple[str, ...] = (
    "Young",
    "Mouth_Slightly_Open",
    "Smiling",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Gray_Hair",
    "Receding_Hairline",
    "Bangs",
    "Male",
    "No_Beard",
    "Mustache",
    "Goatee",
    "Sideburns",
)

HAIR_COLOURS: tuple[str, ...] = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
BEARDS: tuple[str, ...] = ("Mustache", "Goatee", "Sideburns")

DOMAINS: tuple[str, ...] = ("cat", "dog", "wild")
"""AFHQ's domains (StarGAN v2), which the embedded animals share: a label vector has exactly one of them set."""


def are_domains(attributes: Sequence[str]) -> bool:
    """Whether label columns are domains, exactly one of which is set, and not attributes that go together."""
    return bool(attributes) and set(attributes) <= set(DOMAINS)
