"""StarGAN behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.methods.stargan import CARD
from bridgebench.methods.stargan.networks import Generator


class StarGAN(Editor):
    """StarGAN (CVPR 2018): ``G(image, target labels)``.

    The target labels are absolute, so the source labels do not matter. There is no noise and no strength.
    (The official test script sets hair colours and flips all other attributes. Here the caller chooses the target.)

    Args:
        attributes: names of the label columns.
        image_size: a multiple of 4; the network takes images of any such size.
        width: channels of G at full resolution (official: 64).
        blocks: residual blocks of G (official: 6).

    Raises:
        UserError: the image size is not a multiple of 4.
    """

    card = CARD
    needs_all_labels = False

    def __init__(
        self, *, attributes: Sequence[str] = CELEBA14, image_size: int = 128, width: int = 64, blocks: int = 6
    ) -> None:
        if image_size <= 0 or image_size % 4:
            raise UserError(f"StarGAN's image size must be a multiple of 4, not {image_size}.")
        super().__init__(attributes=attributes, image_size=image_size, width=width, blocks=blocks)
        self.generator = Generator(len(self.attributes), width, blocks)

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
        """``G(images, labels)``; arguments as in ``edit``."""
        self.check_sides(images, 4)
        return self.generator(images, labels)
