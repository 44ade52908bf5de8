"""SMIT behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.methods.smit import CARD
from bridgebench.methods.smit.networks import Generator


class SMIT(Editor):
    """SMIT (ICCV Workshops 2019): ``G(image, embedding(style, target labels))``.

    Labels are absolute, not differences. A strength t below 1 is the official interpolation on the sphere, from the
    code of the source labels (t = 0) to the code of the target labels (t = 1), both with the same style. (The official
    demo changes hair attributes by its own rule; here the caller decides which attributes to flip.)

    Args:
        attributes: names of the label columns.
        image_size: a multiple of 2^downsamplings, at least twice that; the network accepts images of any such size.
        noise_size: length of the style (official: 20).
        width: channels of G at full resolution (official: 32).
        blocks: number of residual blocks of G (official: 6).
        downsamplings: number of halvings before the blocks (official: 3).

    Raises:
        UserError: the image size is not such a multiple, or too small.
    """

    card = CARD
    needs_all_labels = False

    def __init__(
        self,
        *,
        attributes: Sequence[str] = CELEBA14,
        image_size: int = 256,
        noise_size: int = 20,
        width: int = 32,
        blocks: int = 6,
        downsamplings: int = 3,
    ) -> None:
        # An instance norm has nothing to normalize on a map of one pixel.
        if image_size < 2 ** (downsamplings + 1) or image_size % 2**downsamplings:
            raise UserError(
                f"SMIT's image size must be a multiple of {2**downsamplings} and at least {2 ** (downsamplings + 1)} "
                f"for {downsamplings} downsamplings, not {image_size}."
            )
        sizes = {"noise_size": noise_size, "width": width, "blocks": blocks, "downsamplings": downsamplings}
        super().__init__(attributes=attributes, image_size=image_size, **sizes)
        self.noise_size = noise_size
        self.generator = Generator(len(self.attributes), **sizes)

    def label_edit(
        self,
        images: Tensor,
        labels: Tensor,
        source_labels: Tensor | None,
        *,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """The edit; arguments as in ``edit``; `noise` holds the styles (N, noise_size).

        Raises:
            UserError: image sides or strength out of range; a strength below 1 with no source labels and no classifier.
        """
        self.check_sides(images, 2 ** self.config["downsamplings"])
        noise = self.draw_noise(len(images), self.noise_size, noise, generator)
        code = self.generator.embed(noise, labels)
        strength = self.strength_or_default(strength)
        if strength < 1:
            if source_labels is None:
                source_labels = self._labels("source_labels", None, images)
            code = spherical_interpolation(self.generator.embed(noise, source_labels), code, strength)
        edited, _ = self.generator(images, code)
        return edited


def spherical_interpolation(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Interpolates rows (N, D) from `start` (t = 0) to `end` (t = 1) by angle; linearly where they are parallel."""
    cosine = torch.cosine_similarity(start, end, dim=1).clamp(-1, 1)
    angle = cosine.arccos().unsqueeze(1)
    sine = angle.sin()
    parallel = sine < 1e-6
    sine = sine.masked_fill(parallel, 1.0)
    weights = [torch.where(parallel, share, (share * angle).sin() / sine) for share in (1 - t, t)]
    return weights[0] * start + weights[1] * end
