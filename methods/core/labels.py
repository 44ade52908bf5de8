"""Label columns: the 14 attributes of the paper (BridgeGAN, supplement, Tables 1 and 2), CelebA's 40, and domains."""

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

# All that CelebA has, in the order of its list_attr_celeba.txt.
CELEBA40: tuple[str, ...] = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip

HAIR_COLOURS: tuple[str, ...] = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
BEARDS: tuple[str, ...] = ("Mustache", "Goatee", "Sideburns")

DOMAINS: tuple[str, ...] = ("cat", "dog", "wild")
"""AFHQ's domains (StarGAN v2), which the embedded animals share: a label vector has exactly one of them set."""


def are_domains(attributes: Sequence[str]) -> bool:
    """Whether label columns are domains, exactly one of which is set, and not attributes that go together."""
    return bool(attributes) and set(attributes) <= set(DOMAINS)
