"""Counterfactual: an edit held against the true edited image, which only drawn data has.

Skill asks whether an edit is better than doing nothing. Let s be the mean squared error of doing nothing, that of the
source to the truth, and e the mean squared error of the edit. The skill is 1 − Σe / Σs: 0 for doing nothing, 1 for the
truth, below 0 for an edit that is farther from the truth than its source. It is the skill score of forecasts (Murphy,
1988, "Skill scores based on the mean square error") with doing nothing as the reference forecast.

Outside the pixels that the true edit changes, doing nothing is nearly perfect, so a skill there would divide by almost
nothing. There the error itself is given, in the same unit: the harm is Σe / Σs with e over the pixels outside, 0 at
best. Skill is about the skill inside less the harm outside.

The same in L1 stands beside it. L1 weighs a change of two grey levels in every pixel, which nobody sees, like a change
of a hundred in every fiftieth pixel. Most true edits change few pixels a lot. So in L1 the control that only fools a
judge does harm twice as large as a whole mouth, and what it does cannot be told from a blot of colour. In squared error
its skill is about 0: it changes nothing that can be seen. Why the squared error leads: eval/PROTOCOL.md, "Skill".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import EDITING, Family, MeasureCard, Pixels, Values
from bridgebench.eval.measures.preservation import absolute_difference, l1, ssim

_FAMILY = Family("counterfactual", 2)  # 2: each edit's value in single precision, and Hall's interval
_SKILL = Family("skill", 3)  # 2: with Hall's interval; 3: of squared errors, and that of L1 beside it
VISIBLE = 4  # grey levels: a pixel belongs to the true edit if a channel changes by more
BEST_PSNR = 100.0  # dB, for images that are equal


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio, 10 log₁₀(255² / mean squared difference).

    Returns:
        (N,) in dB of uint8 images (N, H, W, 3), at most 100 (equal images).
    """
    return -10 * np.log10(np.maximum(squared_error(a, b), 10 ** (-BEST_PSNR / 10)))


def squared_error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean of (a − b)² / 255² (N,) of uint8 images (N, H, W, 3), in [0, 1]."""
    return np.square(absolute_difference(a, b), dtype=np.float32).mean(axis=(1, 2, 3), dtype=np.float64) / 255**2


def edit_mask(source: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N, H, W): the pixels that the true edit changes visibly."""
    red, green, blue = np.moveaxis(absolute_difference(source, truth) > VISIBLE, 3, 0)
    return red | green | blue


def l1_where(edited: NDArray[np.uint8], truth: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Values:
    """The mean absolute difference to the truth over the pixels of a mask (N, H, W).

    Returns:
        (N,) in [0, 1] of the full range; NaN for an image that has no such pixel.
    """
    counts = mask.sum(axis=(1, 2))
    found = (_errors(edited, truth) * mask).sum(axis=(1, 2))
    return np.divide(found, counts, out=np.full(len(found), np.nan), where=counts > 0)


def _errors(a: Pixels, b: Pixels) -> Values:
    """The mean absolute difference of each pixel's channels, (N, H, W) in [0, 1]."""
    red, green, blue = np.moveaxis(absolute_difference(a, b), 3, 0)
    sums = np.add(red, green, dtype=np.uint16) + blue  # three numbers each: `mean` over them takes seven times as long
    return sums.astype(np.float64) / 3 / 255


def _squares(a: Pixels, b: Pixels) -> NDArray[np.float32]:
    """The sum of the squared differences of each pixel's channels, (N, H, W) in grey levels²; exact."""
    red, green, blue = np.moveaxis(absolute_difference(a, b), 3, 0)
    found = np.square(red, dtype=np.float32)
    found += np.square(green, dtype=np.float32)
    found += np.square(blue, dtype=np.float32)
    return found


def _mean_square(squares: NDArray[np.float32], mask: NDArray[np.bool_]) -> Values:
    """The mean squared error (N,) in [0, 1] of the full range; errors outside the mask count as 0."""
    pixels = mask[0].size
    return (squares * mask).sum(axis=(1, 2), dtype=np.float64) / (3 * pixels * 255**2)


def gain(source: Pixels, edited: Pixels, truth: Pixels) -> Values:
    """How much closer to the truth an edit is than its source, and how far the source is, in squared error.

    Returns:
        (N, 2) of uint8 images (N, H, W, 3): s − e and s, each in [-1, 1] of the full range squared.
    """
    idle = squared_error(source, truth)
    return np.stack([idle - squared_error(edited, truth), idle], axis=1)


def gain_l1(source: Pixels, edited: Pixels, truth: Pixels) -> Values:
    """The same as :func:`gain` in L1, in [-1, 1] of the full range."""
    idle = l1(source, truth)
    return np.stack([idle - l1(edited, truth), idle], axis=1)


def gain_inside(source: Pixels, edited: Pixels, truth: Pixels) -> Values:
    """The same as :func:`gain`, with errors outside the pixels that the true edit changes visibly counted as 0."""
    mask = edit_mask(source, truth)
    idle, error = (_mean_square(_squares(images, truth), mask) for images in (source, edited))
    return np.stack([idle - error, idle], axis=1)


def damage_outside(source: Pixels, edited: Pixels, truth: Pixels) -> Values:
    """The error of an edit outside the pixels that the true edit changes visibly, and how far the source is.

    Returns:
        (N, 2) of uint8 images (N, H, W, 3), in [0, 1] of the full range squared: e, with errors at the pixels that the
        true edit changes counted as 0, and s.
    """
    outside = ~edit_mask(source, truth)
    return np.stack([_mean_square(_squares(edited, truth), outside), squared_error(source, truth)], axis=1)


SKILL = MeasureCard(
    key="skill",
    family=_SKILL,
    title="Skill",
    about=(
        "Which share of the squared error of doing nothing an edit takes away: 0 is doing nothing, 1 the true edit, "
        "and below 0 an edit is farther from the truth than its source."
    ),
    spoken="skill",
    of_images=gain,
    against="idle_squares",
    needs=("truth",),
    kinds=(*EDITING, "strength"),
    without="the true edit changes no pixel",
    better="higher",
    digits=2,
    span=(0.0, 1.0),
    shown=("rest", "overview", "variants", "terminal"),
)
SKILL_INSIDE = replace(
    SKILL,
    key="skill_inside",
    title="Skill inside",
    about="The same, over the pixels that the true edit changes visibly.",
    spoken="",
    of_images=gain_inside,
    against="idle_squares_inside",
    shown=("rest", "overview"),
)
HARM_OUTSIDE = replace(
    SKILL,
    key="harm_outside",
    title="Harm outside",
    about=(
        "Squared error to the true edit over the pixels that it does not change visibly, as a share of the whole "
        "squared error of doing nothing, which itself does next to no harm."
    ),
    spoken="",
    of_images=damage_outside,
    better="lower",
    shown=("rest", "overview"),
)
SKILL_L1 = replace(
    SKILL,
    key="skill_l1",
    title="Skill in L1",
    about=(
        "Skill with L1 in place of the squared error: changes too faint to be seen count in full, in every pixel that "
        "has one."
    ),
    spoken="skill in L1",
    of_images=gain_l1,
    against="idle_l1",
    shown=("rest", "overview"),
)
PSNR_TRUE = MeasureCard(
    key="psnr_true",
    family=_FAMILY,
    title="PSNR to truth",
    about="Peak signal-to-noise ratio to the true edit.",
    of_images=lambda source, edited, truth: psnr(edited, truth),
    needs=("truth",),
    kinds=(*EDITING, "strength"),
    unit="dB",
    better="higher",
    digits=2,
)
SSIM_TRUE = MeasureCard(
    key="ssim_true",
    family=_FAMILY,
    title="SSIM to truth",
    about="Structural similarity to the true edit.",
    of_images=lambda source, edited, truth: ssim(edited, truth),
    needs=("truth",),
    kinds=(*EDITING, "strength"),
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
    kinds=(*EDITING, "strength"),
    unit="% of the range",
    better="lower",
    factor=100.0,
    digits=2,
    shown=("rest",),
)
L1_INSIDE = replace(
    L1_TRUE,
    key="l1_true_inside",
    title="L1 inside",
    about="The same, where the true edit changes the image.",
    of_images=lambda source, edited, truth: l1_where(edited, truth, edit_mask(source, truth)),
    without="the true edit changes no pixel",
)
L1_OUTSIDE = replace(
    L1_INSIDE,
    key="l1_true_outside",
    title="L1 outside",
    about="The same, where the true edit leaves the image.",
    of_images=lambda source, edited, truth: l1_where(edited, truth, ~edit_mask(source, truth)),
    without="the true edit changes every pixel",
)
