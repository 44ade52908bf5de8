"""Distances in the spaces of DINOv2 and CLIP, between the same images as the Fréchet distance in the run's own space.

CMMD (Jayasumana et al., 2024) is the squared maximum mean discrepancy of CLIP's image embeddings, brought to length 1,
under the Gaussian kernel exp(−‖x − y‖² / 2σ²) with σ = 10, in thousandths. It is their unbiased estimate; their code
keeps the pairs of an image with itself, which adds a little that falls with N.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridgebench.eval.distances.frechet import Matrix
from bridgebench.eval.measures.card import EDITING, Edits, Family, MeasureCard, Record
from bridgebench.eval.measures.fd import FD_MATCHED, fd_matched, fd_target
from bridgebench.eval.measures.kid import KID_MATCHED, kernel_by_value

SIGMA = 10.0
_FAMILY = Family("deep", 2)  # 2: also of several flips and of added attributes


def gaussian(a: Matrix, b: Matrix) -> Matrix:
    """The kernel exp(−‖x − y‖² / 2σ²), σ = 10, between features (N, D) and (M, D) brought to length 1, (N, M)."""
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (a, b))
    return np.exp((x @ y.T - 1) / SIGMA**2)  # ‖x − y‖² = 2 − 2 x·y


def _fd(edits: Edits) -> Record:
    return fd_target(edits) if edits.matched is None else fd_matched(edits)


def _cmmd(edits: Edits) -> Record:
    return kernel_by_value(edits, *edits.real_side, gaussian)


FD_DINOV2 = replace(
    FD_MATCHED,
    key="fd_dinov2",
    family=_FAMILY,
    title="FD (DINOv2)",
    about="The Fréchet distance between the same images in the space of DINOv2.",
    spoken="",
    of_cell=_fd,
    needs=("features",),
    kinds=EDITING,
    network="dinov2",
    shown=("distance",),
)
FD_CLIP = replace(
    FD_DINOV2,
    key="fd_clip",
    title="FD (CLIP)",
    about="The Fréchet distance between the same images in the space of CLIP.",
    network="clip",
)
CMMD: MeasureCard = replace(
    KID_MATCHED,
    key="cmmd",
    family=_FAMILY,
    title="CMMD (CLIP)",
    about="Unbiased Gaussian kernel distance between the same images in the space of CLIP, with its standard error.",
    of_cell=_cmmd,
    needs=("features",),
    kinds=EDITING,
    network="clip",
)
