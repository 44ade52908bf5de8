"""Edits held against the true edited image, which only embedded data has."""

from __future__ import annotations

import numpy as np
from bridgebench.eval.measures.preservation import absolute_difference
from numpy.typing import NDArray

VISIBLE = 4  # grey levels: a pixel belongs to the true edit if a channel changes by more
BEST_PSNR = 100.0  # dB, for images that are equal


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio (N,) in dB of uint8 images (N, H, W, 3), at most 100 (equal images)."""
    error = np.square(absolute_difference(a, b), dtype=np.float32).mean(axis=(1, 2, 3), dtype=np.float64) / 255**2
    return -10 * np.log10(np.maximum(error, 10 ** (-BEST_PSNR / 10)))


def edit_mask(source: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N, H, W): the pixels that the true edit changes visibly."""
    red, green, blue = np.moveaxis(absolute_difference(source, truth) > VISIBLE, 3, 0)
    return red | green | blue


def l1_by_mask(
    edited: NDArray[np.uint8], truth: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean absolute difference to the truth inside and outside a mask (N, H, W).

    Returns:
        Two (N,) in [0, 1] of the full range; NaN for an image that has no such pixel.
    """
    red, green, blue = np.moveaxis(absolute_difference(edited, truth), 3, 0)
    sums = np.add(red, green, dtype=np.uint16) + blue  # three numbers each: `mean` over them takes seven times as long
    error = sums.astype(np.float64) / 3 / 255
    inside, outside = (_mean_where(error, chosen) for chosen in (mask, ~mask))
    return inside, outside


def _mean_where(error: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    counts = chosen.sum(axis=(1, 2))
    sums = (error * chosen).sum(axis=(1, 2))
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
