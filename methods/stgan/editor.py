"""STGAN behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.methods.stgan import CARD
from bridgebench.methods.stgan.difference import difference
from bridgebench.methods.stgan.networks import Generator
from torch import Tensor


class STGAN(Editor):
    """STGAN (CVPR 2019): ``G(image, d)`` with the difference d of target and source labels.

    The strength is the official test's ``test_int``, which scales the target code of flipped attributes: their d is
    +-(0.5 + 0.5 * strength). At 1 that is the d of training, at -1 it is no edit; the paper's figures, and the default
    here, take 2 (the released test script's own default of 1 is known not to give them).

    Args:
        attributes: label columns.
        image_size: a multiple of 2 ** layers; the network takes images of any such size.
        width: channels of the encoder's first level, doubled by every level, 1024 at most (official: 64).
        unit_width: channels of the finest transfer unit, likewise (official: 64).
        layers: halvings of the image, 2 at least (official: 5).

    Raises:
        UserError: too few layers, or an image size that they cannot halve.
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
        return self.generator(images, difference(labels, source_labels, strength, self.attributes))
