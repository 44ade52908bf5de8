"""Counterfactual: an edit held against the true edited image, which only drawn data has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import Family, MeasureCard, Values
from bridgebench.eval.measures.preservation import absolute_difference, l1, ssim

_FAMILY = Family("counterfactual", 1)
VISIBLE = 4  # grey levels: a pixel belongs to the true edit if a channel changes by more
BEST_PSNR = 100.0  # dB, for images that are equal


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio, 10 log₁₀(255² / mean squared difference).

    Returns:
        (N,) in dB of uint8 images (N, H, W, 3), at most 100 (equal images).
    """
    error = np.square(absolute_difference(a, b), dtype=np.float32).mean(axis=(1, 2, 3), dtype=np.float64) / 255**2
    return -10 * np.log10(np.maximum(error, 10 ** (-BEST_PSNR / 10)))


def edit_mask(source: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N, H, W): the pixels that the true edit changes visibly."""
    red, green, blue = np.moveaxis(absolute_difference(source, truth) > VISIBLE, 3, 0)
    return red | green | blue


def l1_where(edited: NDArray[np.uint8], truth: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Values:
    """The mean absolute difference to the truth over the pixels of a mask (N, H, W).

    Returns:
        (N,) in [0, 1] of the full range; NaN for an image that has no such pixel.
    """
    red, green, blue = np.moveaxis(absolute_difference(edited, truth), 3, 0)
    sums = np.add(red, green, dtype=np.uint16) + blue  # three numbers each: `mean` over them takes seven times as long
    counts = mask.sum(axis=(1, 2))
    found = (sums.astype(np.float64) / 3 / 255 * mask).sum(axis=(1, 2))
    return np.divide(found, counts, out=np.full(len(found), np.nan), where=counts > 0)


PSNR_TRUE = MeasureCard(
    key="psnr_true",
    family=_FAMILY,
    title="PSNR to truth",
    about="Peak signal-to-noise ratio to the true edit.",
    of_images=lambda source, edited, truth: psnr(edited, truth),
    needs=("truth",),
    unit="dB",
    better="higher",
    digits=2,
    shown=("rest", "overview"),
)
SSIM_TRUE = MeasureCard(
    key="ssim_true",
    family=_FAMILY,
    title="SSIM to truth",
    about="Structural similarity to the true edit.",
    of_images=lambda source, edited, truth: ssim(edited, truth),
    needs=("truth",),
    better="higher",
    digits=3,
    span=(0.0, 1.0),
    shown=("rest", "overview", "variants"),
)
L1_TRUE = MeasureCard(
    key="l1_true",
    family=_FAMILY,
    title="L1 to truth",
    about="Mean absolute difference to the true edit.",
    of_images=lambda source, edited, truth: l1(edited, truth),
    needs=("truth",),
    unit="% of the range",
    better="lower",
    factor=100.0,
    digits=2,
    shown=("rest", "terminal"),
)
L1_INSIDE = replace(
    L1_TRUE,
    key="l1_true_inside",
    title="L1 inside",
    about="The same, where the true edit changes the image.",
    of_images=lambda source, edited, truth: l1_where(edited, truth, edit_mask(source, truth)),
    without="the true edit changes no pixel",
    shown=("rest",),
)
L1_OUTSIDE = replace(
    L1_INSIDE,
    key="l1_true_outside",
    title="L1 outside",
    about="The same, where the true edit leaves the image.",
    of_images=lambda source, edited, truth: l1_where(edited, truth, ~edit_mask(source, truth)),
    without="the true edit changes every pixel",
)
