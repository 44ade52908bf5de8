"""ELEGANT behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.methods.elegant import CARD
from bridgebench.methods.elegant.networks import Decoder, Encoder, attribute_of_channel, block_channels, exchange


class Elegant(Editor):
    """ELEGANT (ECCV 2018): ``x + Dec(z, z_x, skips of x)``; z is z_x with some blocks taken from the reference.

    The edit takes the blocks of the attributes whose target label differs from the source label. The reference should
    show the target values, as in training. `strength` t moves the blocks only the share t of the way to the reference.
    There is no label edit and no noise.

    Args:
        attributes: names of the label columns; each attribute owns a block of the bottleneck channels.
        image_size: a multiple of 2**blocks; the networks take images of any such size.
        width: channels of the first block (official: 64).
        blocks: number of encoder blocks, each of which halves the image (official: 5).

    Raises:
        UserError: the image size cannot be halved that often, or there are more attributes than channels.
    """

    card = CARD
    owners: Tensor

    def __init__(
        self, *, attributes: Sequence[str] = CELEBA14, image_size: int = 256, width: int = 64, blocks: int = 5
    ) -> None:
        if image_size <= 0 or image_size % 2**blocks:
            raise UserError(f"ELEGANT's image size must be a multiple of {2**blocks}, not {image_size}.")
        channels = block_channels(width, blocks)[-1]
        if not 1 <= len(attributes) <= channels:
            raise UserError(f"ELEGANT shares {channels} channels out among 1 to as many attributes: {len(attributes)}.")
        super().__init__(attributes=attributes, image_size=image_size, width=width, blocks=blocks)
        self.encoder, self.decoder = Encoder(width, blocks), Decoder(width, blocks)
        owners = torch.tensor(attribute_of_channel(channels, len(self.attributes)))
        self.register_buffer("owners", owners, persistent=False)

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
        """Exchanges the blocks of the attributes whose labels differ; arguments as in ``edit``."""
        strength = self.strength_or_default(strength)
        self.check_sides(images, 2 ** len(self.encoder.main))
        own, skips = self.encoder(images)
        other, _ = self.encoder(reference)
        share = strength * (labels != source_labels).float()
        return (images + self.decoder(exchange(own, other, self.of_channels(share)), own, skips)).clamp(-1, 1)

    def of_channels(self, of_attributes: Tensor) -> Tensor:
        """One value for each attribute (N, A) -> the value of its attribute for each bottleneck channel (N, C)."""
        return of_attributes[:, self.owners]
