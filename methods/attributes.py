"""The 14 attributes of the benchmark, in the paper's order (BridgeGAN, supplement, Tables 1 and 2)."""

from __future__ import annotations

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
