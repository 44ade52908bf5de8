"""STGAN behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, LabelSpace
from bridgebench.methods.editor import Editor
from bridgebench.methods.stgan import CARD
from bridgebench.methods.stgan.networks import Generator

_SCALE = 0.5  # official thres_int: the network receives labels as -0.5 and +0.5


class STGAN(Editor):
    """STGAN (CVPR 2019): ``G(image, d)``, where d is target labels minus source labels.

    The strength is ``test_int`` of the official test, which scales the target code of flipped attributes: their d is
    +-(0.5 + 0.5 * strength). Strength 1 gives the d of training, -1 gives no edit. The paper's figures and the default
    here use 2 (the released test script has the default 1, which is known not to reproduce the figures).

    Args:
        attributes: names of the label columns.
        image_size: a multiple of 2 ** layers; the network accepts images of any such size.
        width: channels of the encoder's first level; each level doubles them, up to 1024 (official: 64).
        unit_width: channels of the finest transfer unit; each deeper unit doubles them likewise (official: 64).
        layers: number of halvings of the image, at least 2 (official: 5).

    Raises:
        UserError: fewer than 2 layers, or an image size that is not a multiple of 2 ** layers.
    """

    card = CARD

    def __init__(
        self,
        *,
        attributes: Sequence[str] = CELEBA14,
        image_size: int = 128,
        width: int = 64,
        unit_width: int = 64,
        layers: int = 5,
    ) -> None:
        if layers < 2:
            raise UserError(f"STGAN needs 2 layers or more for a skip connection, not {layers}.")
        if image_size <= 0 or image_size % 2**layers:
            raise UserError(
                f"STGAN's image size must be a multiple of {2**layers}, not {image_size}: {layers} layers halve it."
            )
        super().__init__(
            attributes=attributes, image_size=image_size, width=width, unit_width=unit_width, layers=layers
        )
        self.generator = Generator(len(self.attributes), width, unit_width, layers)

    def label_edit(
        self,
        images: Tensor,
        labels: Tensor,
        source_labels: Tensor,
        *,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """``G(images, d)``; arguments as in ``edit``."""
        strength = self.strength_or_default(strength)
        self.check_sides(images, 2 ** self.config["layers"])
        return self.generator(images, difference(labels, source_labels, strength, self.space))


def difference(labels: Tensor, source_labels: Tensor, strength: float | Tensor, space: LabelSpace) -> Tensor:
    """``B - A``: A are the source labels as -0.5 and 0.5, B the target labels likewise, scaled where flipped.

    The official test multiplies the target code of the attributes that the user flips by ``test_int``. Attributes that
    only give way (Blond_Hair, when Black_Hair is turned on) are not scaled. The same rules separate the two cases here:
    an attribute that changes gives way if the change of another one binds it to its new value. Domains do not.

    Args:
        labels: target labels (N, A) in {0, 1}.
        source_labels: source labels (N, A) in {0, 1}.
        strength: ``test_int``, a number or (N, 1): a flipped attribute gets +-(0.5 + 0.5 * strength).
        space: what the columns are.

    Returns:
        (N, A); 0 where source and target agree, -1 where an attribute gives way.
    """
    turned_on, turned_off = labels > source_labels, labels < source_labels
    gives_way = torch.zeros_like(turned_off)
    for place, name in enumerate(space.columns if not space.exclusive else ()):
        for on, changed in ((True, turned_on), (False, turned_off)):
            for other, value in space.bound(name, on).items():
                column = space.index(other)
                gives_way[:, column] |= changed[:, place] & (turned_on if value else turned_off)[:, column]
    flipped = (turned_on | turned_off) & ~gives_way
    target = (2 * labels - 1) * _SCALE
    return torch.where(flipped, strength * target, target) - (2 * source_labels - 1) * _SCALE
