"""Identity: whether an edit still shows the same person, by a network that tells people apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.measures.card import EDITING, STEPS, Family, MeasureCard, Values

_FAMILY = Family("identity", 2)  # 2: also along the strength and the way from label to reference


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> Values:
    """The cosine (N,) of vectors (N, D), in [-1, 1]; NaN where either image shows no face."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(axis=1) / np.sqrt(np.square(a).sum(axis=1) * np.square(b).sum(axis=1))


def no_face(source: NDArray[np.float32], edited: NDArray[np.float32]) -> Values:
    """For each source in which a face is found (N,), 1 if none is found in its edit, else 0; NaN for other sources."""
    lost = np.isnan(edited).any(axis=1).astype(np.float64)
    return np.where(np.isnan(source).any(axis=1), np.nan, lost)


IDENTITY = MeasureCard(
    key="identity",
    family=_FAMILY,
    title="Identity",
    about=(
        "Cosine between what a face recognizer sees before and after the edit: 1 is the same person. Doing nothing has "
        "1; an edit has to change something, so compare with the true edit where there is one."
    ),
    spoken="identity",
    of_images=lambda source, edited, truth: cosine(source, edited),
    kinds=(*EDITING, *STEPS),
    network="identity",
    without="no face is found",
    better="higher",
    digits=3,
    span=(0.0, 1.0),
    shown=("rest", "overview"),
)
NO_FACE = MeasureCard(
    key="no_face",
    family=_FAMILY,
    title="Face lost",
    about="Share of edits in which no face is found, of sources in which one is found.",
    of_images=lambda source, edited, truth: no_face(source, edited),
    network="faces",
    without="no face is found in any source",
    shares=True,
    unit="%",
    better="lower",
    factor=100.0,
    span=(0.0, 1.0),
)
