"""BridgeGAN behind the common interface: edit by label, by reference, or between the two."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.bridgegan import CARD
from bridgebench.methods.bridgegan.networks import Generator, MappingNetwork, StyleEncoder
from bridgebench.methods.bridgegan.objective import attribute_difference
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor


class BridgeGAN(Editor):
    """BridgeGAN (ICCV 2021).

    A label edit is ``G(X_s, M(R, d) + E(X_s, -d))``, a reference edit ``G(X_s, E(X_r, d) + E(X_s, -d))``. Here
    d = strength * (Y_t - Y_s) is the attribute difference. The official test uses strength 1.5, training uses 1. At
    test time the noise R is drawn from the standard normal distribution.

    Args:
        attributes: names of the label columns.
        image_size: a multiple of 32.
        width: channels of G at full resolution (paper: 32); E and D have half of it.
        code_channels: channels of the code map (paper: 32).
        spade_hidden: hidden channels of the SPADE norms (paper: 128).
        noise_size: number of values in the noise R (paper: 16).
        encoder_width: channels of E at full resolution (paper: 16).
        encoder_blocks: residual blocks of E after its down-sampling block (paper: 3).
        mapping_blocks: up-sampling blocks of M (paper: 4).

    Raises:
        UserError: the image size is not a multiple of 32.
    """

    card = CARD

    def __init__(
        self,
        *,
        attributes: Sequence[str] = CELEBA14,
        image_size: int = 128,
        width: int = 32,
        code_channels: int = 32,
        spade_hidden: int = 128,
        noise_size: int = 16,
        encoder_width: int = 16,
        encoder_blocks: int = 3,
        mapping_blocks: int = 4,
    ) -> None:
        if image_size <= 0 or image_size % 32:
            raise UserError(f"BridgeGAN's image size must be a multiple of 32, not {image_size}.")
        # Instance norm cannot normalise a map of one pixel, so M starts with a map of at least 2 x 2.
        if image_size % 2 ** (mapping_blocks + 1) or image_size < 2 ** (mapping_blocks + 2):
            raise UserError(f"BridgeGAN's mapping_blocks = {mapping_blocks} are too many for {image_size} pixels.")
        super().__init__(
            attributes=attributes,
            image_size=image_size,
            width=width,
            code_channels=code_channels,
            spade_hidden=spade_hidden,
            noise_size=noise_size,
            encoder_width=encoder_width,
            encoder_blocks=encoder_blocks,
            mapping_blocks=mapping_blocks,
        )
        count = len(self.attributes)
        self.noise_size = noise_size
        self.generator = Generator(width, code_channels, spade_hidden)
        self.mapping = MappingNetwork(count, image_size, noise_size, code_channels, mapping_blocks)
        self.encoder = StyleEncoder(count, encoder_width, code_channels, encoder_blocks)

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
        """``G(X_s, M(R, d) + E(X_s, -d))``; arguments as in ``edit``."""
        difference = self._difference(labels, source_labels, strength)
        noise = self.draw_noise(len(images), self.noise_size, noise, generator)
        return self.generator(images, self.mapping(noise, difference) + self.encoder(images, -difference))

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
        mix: float = 0.0,
    ) -> Tensor:
        """``G(X_s, E(X_r, d) + E(X_s, -d))``; arguments as in ``edit``.

        Args:
            mix: weight in [0, 1] of the label code in the interpolated code ``mix * S_rand + (1 - mix) * S_ref``; 0
                gives the pure reference edit. (The released test script interpolates inside every SPADE layer and
                leaves out a summand, probably by mistake. This is the interpolation that training uses.)
        """
        if not 0 <= mix <= 1:
            raise UserError(f"mix must lie in [0, 1], not {mix}: it is the weight of the label code.")
        difference = self._difference(labels, source_labels, strength)
        code = self.encoder(reference, difference)
        if mix > 0:
            noise = self.draw_noise(len(images), self.noise_size, noise, generator)
            code = mix * self.mapping(noise, difference) + (1 - mix) * code
        return self.generator(images, code + self.encoder(images, -difference))

    def _difference(self, labels: Tensor, source_labels: Tensor, strength: float | None) -> Tensor:
        return self.strength_or_default(strength) * attribute_difference(labels, source_labels)
