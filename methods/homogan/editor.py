"""HomoGAN behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, LabelSpace
from bridgebench.methods.editor import Editor
from bridgebench.methods.homogan import CARD
from bridgebench.methods.homogan.networks import Decoder, FeatureNet, Interpolator, denormalize, normalize

Groups = tuple[tuple[str, ...], ...]
OFFICIAL_GROUPS: Groups = (
    ("Mouth_Slightly_Open", "Smiling"),
    ("Male", "No_Beard", "Mustache", "Goatee", "Sideburns"),
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ("Bald", "Receding_Hairline", "Bangs"),
    ("Young",),
)


def default_groups(attributes: Sequence[str]) -> Groups:
    """The official groups, reduced to `attributes`; every other attribute becomes a group of its own."""
    known = [tuple(name for name in group if name in attributes) for group in OFFICIAL_GROUPS]
    grouped = {name for group in known for name in group}
    return (*(group for group in known if group), *((name,) for name in attributes if name not in grouped))


def groups_in(space: LabelSpace) -> Groups | None:
    """The groups of attributes that exclude each other, and every other attribute by itself.

    None where the rules are CelebA's, or there are domains: the official groups are then taken.
    """
    rules = space.own_rules()
    if rules is None:
        return None
    groups = [{name} for name in space.columns]
    for exclusive in rules["exclusive"]:
        touched = [group for group in groups if group & {*exclusive}]
        groups = [group for group in groups if group not in touched] + [set[str]().union(*touched)]
    ordered = [tuple(name for name in space.columns if name in group) for group in groups]
    return tuple(sorted(ordered, key=lambda group: space.index(group[0])))


class HomoGAN(Editor):
    """HomoGAN (CVPR 2019): ``G(I(E(x), E(reference), v))``; v is the strength of the groups that change.

    The unit of an edit is a group of attributes. If target and source labels differ in one attribute, its group's
    branch moves the whole group to what the reference shows. So the reference should have the target's values in the
    group. `strength` s is in [0, 2]: 1 reaches the reference, more exaggerates the edit. The image passes through
    encoder and decoder, so an edit that changes nothing is a reconstruction. There is no label edit and no noise.

    Args:
        attributes: names of the label columns.
        image_size: a multiple of 2**levels; the networks take images of any such size.
        width: channels of the first convolutions (official: 64).
        levels: number of poolings in the encoder (official: 4).
        groups: the attributes that move together; each attribute is in one group. None: the official groups.

    Raises:
        UserError: the image size cannot be halved that often, or the groups do not hold every attribute just once.
    """

    card = CARD

    def __init__(
        self,
        *,
        attributes: Sequence[str] = CELEBA14,
        image_size: int = 128,
        width: int = 64,
        levels: int = 4,
        groups: Sequence[Sequence[str]] | None = None,
    ) -> None:
        if image_size <= 0 or image_size % 2**levels:
            raise UserError(f"HomoGAN's image size must be a multiple of {2**levels}, not {image_size}.")
        shared = default_groups(attributes) if groups is None else tuple(tuple(group) for group in groups)
        if not all(shared) or sorted(name for group in shared for name in group) != sorted(attributes):
            given = "; ".join(", ".join(group) for group in shared)
            raise UserError(f"HomoGAN's groups must hold every attribute once, and no other; given: {given}.")
        super().__init__(
            attributes=attributes,
            image_size=image_size,
            width=width,
            levels=levels,
            groups=[list(group) for group in shared],
        )
        self.encoder = FeatureNet(width, levels)
        self.interpolator = Interpolator(self.encoder.channels, len(shared) + 1)
        self.decoder = Decoder(self.encoder.channels, width, levels)
        self.columns = tuple(self.attributes.index(name) for group in shared for name in group)

    @property
    def groups(self) -> Groups:
        """The attributes that move together. Group k belongs to branch k; the last branch has no attributes."""
        return tuple(tuple(group) for group in self.config["groups"])

    def reference_edit(
        self,
        images: Tensor,
        reference: Tensor,
        labels: Tensor,
        source_labels: Tensor,
        *,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Moves the groups whose labels differ towards the reference; arguments as in ``edit``."""
        strength = self.strength_or_default(strength)
        self.check_sides(images, 2 ** self.config["levels"])
        own, other = (self.encoder(normalize(pictures))[-1] for pictures in (images, reference))
        changed = (labels != source_labels)[:, list(self.columns)].split([len(group) for group in self.groups], dim=1)
        chosen = torch.stack([group.any(dim=1) for group in changed], dim=1).float()
        branches = torch.nn.functional.pad(strength * chosen, (0, 1))
        return denormalize(self.decoder(self.interpolator(own, other, branches))).clamp(-1, 1)
