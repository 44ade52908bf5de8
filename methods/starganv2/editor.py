"""StarGAN v2 behind the common interface: edits towards a domain, guided by noise or by a reference."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.methods.starganv2 import CARD
from bridgebench.methods.starganv2.domains import DomainIndex
from bridgebench.methods.starganv2.masks import FaceMasks
from bridgebench.methods.starganv2.networks import Generator, MappingNetwork, Masks, StyleEncoder

_OFFICIAL_PIXEL_WIDTH = 2**14  # width * image size in the official networks
_AVERAGED_STYLES = 10_000


class StarGANv2(Editor):
    """StarGAN v2 (CVPR 2020): ``G(image, style)`` with the style ``F(noise, domain)`` or ``E(reference, domain)``.

    Only the target domain matters; the source labels are not read. A domain is a label column, or one of the two
    values of an attribute (see `DomainIndex`). `editable` lists the columns that an edit can change.

    Args:
        attributes: names of the label columns.
        attribute: the column whose two values are the domains; None: each column is a domain (see `DomainIndex`).
        image_size: a power of 2, at least 32; the networks accept only images of this size.
        width: channels at full resolution; 0: the official 16384 / image_size.
        widest: upper limit of the channels of any layer (official: 512).
        style_size, noise_size: lengths of the style code (official: 64) and of the noise z (official: 16).
        mapping_width: width of the mapping network's layers (official: 512).
        high_pass: w_hpf of the high-pass skip for faces; 0: no skip. A skip adds the landmark network FAN.

    Raises:
        UserError: a size that is not allowed, a negative high_pass, or an attribute that is not a column.
    """

    card = CARD
    needs_all_labels = False

    def __init__(
        self,
        *,
        attributes: Sequence[str] = CELEBA14,
        attribute: str | None = None,
        image_size: int = 256,
        width: int = 0,
        widest: int = 512,
        style_size: int = 64,
        noise_size: int = 16,
        mapping_width: int = 512,
        high_pass: float = 0.0,
    ) -> None:
        if image_size < 32 or image_size & (image_size - 1):
            raise UserError(f"StarGAN v2's image size must be a power of 2 and at least 32, not {image_size}.")
        if high_pass < 0:
            raise UserError(f"StarGAN v2's high_pass must be 0 (no skip) or positive, not {high_pass}.")
        width = width or max(1, _OFFICIAL_PIXEL_WIDTH // image_size)
        super().__init__(
            attributes=attributes,
            attribute=attribute,
            image_size=image_size,
            width=width,
            widest=widest,
            style_size=style_size,
            noise_size=noise_size,
            mapping_width=mapping_width,
            high_pass=high_pass,
        )
        self.noise_size = noise_size
        self.domains = DomainIndex(self.attributes, attribute)
        count = self.domains.count
        self.generator = Generator(image_size, width, widest, style_size, high_pass)
        self.mapping_network = MappingNetwork(count, noise_size, mapping_width, style_size)
        self.style_encoder = StyleEncoder(count, image_size, width, widest, style_size)
        self.fan = FaceMasks() if high_pass else None

    @property
    def editable(self) -> tuple[str, ...]:
        """The label columns that an edit can change: all, or the one attribute whose values are the domains."""
        return self.domains.editable

    def label_edit(
        self,
        images: Tensor,
        labels: Tensor,
        source_labels: Tensor | None,
        *,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """``G(images, F(noise, domain))``; arguments as in ``edit``.

        Args:
            truncation: psi in [0, 1]: 0 uses the domain's mean style, 1 the drawn style; values between interpolate.
                Below 1, edits look safer and vary less (official pictures: 0.5 to 1, official metrics: 1).
        """
        if not 0 <= truncation <= 1:
            raise UserError(f"truncation must lie in [0, 1], not {truncation}: 0 is the domain's mean style.")
        self._refuse_other_sizes(images)
        domains = self.domains.of(labels)
        style = self.mapping_network(self.draw_noise(len(images), self.noise_size, noise, generator), domains)
        if truncation < 1:
            means = {domain: self.mean_style(domain) for domain in domains.unique().tolist()}
            style = torch.stack([means[domain] for domain in domains.tolist()]).lerp(style, truncation)
        return self.generator(images, style, self.masks(images))

    def reference_edit(
        self,
        images: Tensor,
        reference: Tensor,
        labels: Tensor | None,
        source_labels: Tensor | None,
        *,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """``G(images, E(reference, domain))``; arguments as in ``edit``.

        `labels` give the domains of the references; without labels, the attached classifier predicts the domains.
        """
        self._refuse_other_sizes(images)
        if labels is None:
            domains = self.domains.predicted(self.attached("classifier")(reference))
        else:
            domains = self.domains.of(labels)
        style = self.style_encoder(reference, domains)
        return self.generator(images, style, self.masks(images))

    def mean_style(self, domain: int, noise: Tensor | None = None) -> Tensor:
        """The mean style (style_size,) of a domain over `noise` (M, noise_size); None: over 10,000 fixed draws."""
        device = next(self.parameters()).device
        if noise is None:
            noise = torch.randn(_AVERAGED_STYLES, self.noise_size, generator=torch.Generator().manual_seed(0))
        return self.mapping_network(noise.to(device), torch.full((len(noise),), domain, device=device)).mean(dim=0)

    def masks(self, images: Tensor) -> Masks | None:
        """The landmark network's masks of images (N, 3, H, W) for the high-pass skip; None without such a skip."""
        return None if self.fan is None else self.fan(images)

    def _refuse_other_sizes(self, images: Tensor) -> None:
        if images.shape[2:] != (self.image_size, self.image_size):
            height, width = images.shape[2:]
            size = self.image_size
            raise UserError(f"This StarGAN v2 takes images of {size}x{size} pixels, not {height}x{width}.")
