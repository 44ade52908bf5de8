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
    """ELEGANT (ECCV 2018): ``x + Dec(z, z_x, skips of x)``, z being z_x with some blocks taken from the reference.

    The blocks of those attributes are taken whose target label is not the source's; the reference should show the
    target's values, as in training. With `strength` t the blocks go only that share of the way to the reference's.
    There is no label edit, no noise.

    Args:
        attributes: label columns; each has its block of the bottleneck's channels.
        image_size: a multiple of 2**blocks; the networks take images of any such size.
        width: channels of the first block (official: 64).
        blocks: halvings of the encoder (official: 5).

    Raises:
        UserError: an image size that cannot be halved so often, or more attributes than channels to share out.
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
        """The exchange of the blocks whose labels differ; arguments as in ``edit``."""
        strength = self.strength_or_default(strength)
        self.check_sides(images, 2 ** len(self.encoder.main))
        own, skips = self.encoder(images)
        other, _ = self.encoder(reference)
        share = strength * (labels != source_labels).float()
        return (images + self.decoder(exchange(own, other, self.of_channels(share)), own, skips)).clamp(-1, 1)

    def of_channels(self, of_attributes: Tensor) -> Tensor:
        """A value for each attribute (N, A) -> the same for each bottleneck channel (N, C)."""
        return of_attributes[:, self.owners]
