"""The method itself: colour transfer between images."""

import torch
from torch import Tensor

from bridgebench.methods.editor import Editor
from colour_transfer import CARD


class ColourTransfer(Editor):
    """Moves mean and spread of each colour channel to those of the reference; leaves alone what is not to be edited."""

    card = CARD

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
        mean, spread = _statistics(images)
        target_mean, target_spread = _statistics(reference)
        moved = (images - mean) / spread * target_spread + target_mean
        wanted = (labels != source_labels).any(dim=1).reshape(-1, 1, 1, 1)
        amount = wanted * (1.0 if strength is None else strength)
        return images + amount * (moved - images)


def _statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    return images.mean((2, 3), keepdim=True), images.std((2, 3), keepdim=True) + 1e-3
