"""How alike two sets of images are, image by image: L1 and SSIM."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BATCH = 64


def absolute_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """|a − b| in grey levels, of the shape of both."""
    return np.maximum(a, b) - np.minimum(a, b)


def l1(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean absolute difference (N,) of uint8 images (N, H, W, 3), in [0, 1] of the full range."""
    return absolute_difference(a, b).mean(axis=(1, 2, 3), dtype=np.float64) / 255


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Structural similarity (N,) of uint8 images (N, H, W, 3), at most 1 (Wang et al., 2004; window 11×11, σ 1.5)."""
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    values = []
    for start in range(0, len(a), _BATCH):
        first, second = (
            torch.from_numpy(np.ascontiguousarray(images[start : start + _BATCH])).permute(0, 3, 1, 2).double() / 255
            for images in (a, b)
        )
        value = structural_similarity_index_measure(first, second, data_range=1.0, reduction="none")
        assert isinstance(value, torch.Tensor)  # a pair only where the full map is asked for
        values.append(np.atleast_1d(value.numpy()))
    return np.concatenate(values)
