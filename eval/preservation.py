"""How alike two sets of images are, image by image: L1 and SSIM."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BATCH = 64
_WINDOW = 11
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def absolute_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """|a − b| in grey levels, of the shape of both."""
    return np.maximum(a, b) - np.minimum(a, b)


def l1(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean absolute difference (N,) of uint8 images (N, H, W, 3), in [0, 1] of the full range."""
    return absolute_difference(a, b).mean(axis=(1, 2, 3), dtype=np.float64) / 255


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Structural similarity (N,) of uint8 images (N, H, W, 3), at most 1 (Wang et al., 2004, equation 13).

    Gaussian window of 11×11 with σ 1.5, the image reflected at its edge, averaged over channels: equal to torchmetrics'
    ``structural_similarity_index_measure``, which convolves with the square window and takes 50 times as long on a CPU.
    """
    return np.concatenate([_ssim(a[i : i + _BATCH] / 255, b[i : i + _BATCH] / 255) for i in range(0, len(a), _BATCH)])


def _ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = np.moveaxis(a, 3, 1), np.moveaxis(b, 3, 1)
    rows, columns = _window_matrix(a.shape[2]), _window_matrix(a.shape[3]).T

    def local_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return rows @ (values @ columns)

    mean_a, mean_b = local_mean(a), local_mean(b)
    covariance = local_mean(a * b) - mean_a * mean_b
    variances = local_mean(a * a + b * b) - mean_a**2 - mean_b**2
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return (luminance * (2 * covariance + _C2) / (variances + _C2)).mean(axis=(1, 2, 3))


def _window_matrix(size: int) -> NDArray[np.float64]:
    """(size, size): each row the window around one place; the Gaussian separates, so two such make the square one."""
    window = np.exp(-0.5 * ((np.arange(_WINDOW) - _WINDOW // 2) / _SIGMA) ** 2)
    reflected = np.pad(np.arange(size), _WINDOW // 2, mode="reflect")
    matrix = np.zeros((size, size))
    for place in range(size):
        np.add.at(matrix[place], reflected[place : place + _WINDOW], window / window.sum())
    return matrix
