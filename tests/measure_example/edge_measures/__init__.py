"""Two measures: one of single images, and one of all edits of a cell."""

import numpy as np

from bridgebench.eval.measures.card import Edits, Family, MeasureCard


def edges(images: np.ndarray) -> np.ndarray:
    """How strong the edges of images (N, H, W, 3) are: the mean step between neighbours in a row, (N,) in [0, 1]."""
    grey = images.astype(np.float64).mean(axis=3) / 255
    return np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))


def edge_error(source: np.ndarray, edited: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For each edit, how far the strength of its edges is from that of the true edit's."""
    return np.abs(edges(edited) - edges(truth))


def doubt(edits: Edits) -> dict:
    """The mean of 1 - |2p - 1| over the judge's probabilities p of all attributes: 1 where the judge knows nothing."""
    doubts = 1 - np.abs(2 * edits.after - 1)
    return {"value": float(doubts.mean()), "n": len(doubts)}


EDGE_ERROR = MeasureCard(
    key="edge_error",
    family=Family("edges", 1),  # raise the 1 when the definition changes: cells are then measured again
    title="Edge error",
    about="How far the strength of an edit's edges is from that of the true edit's: blurred edits are far.",
    of_images=edge_error,
    needs=("truth",),
    unit="% of the range",
    better="lower",
    factor=100.0,
    digits=2,
    shown=("rest", "overview", "terminal"),
)
DOUBT = MeasureCard(
    key="doubt",
    family=Family("doubt", 2),
    title="Doubt",
    about="How undecided the first judge is about the edits, over all attributes.",
    of_cell=doubt,
    needs=("judge",),
    better="lower",
    digits=3,
)
