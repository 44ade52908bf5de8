"""Everything random in an evaluation: which reference an image gets, and which latent vector.

Each draw has its own seed, made of the protocol's seed and what it is drawn for. So it depends on no other draw: not on
the batch, the order, the process, nor on which other cells are computed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def seed_of(*parts: str | int) -> int:
    """A seed in [0, 2^63) made of `parts`."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def draw_references(
    seed: int, ids: Sequence[str], labels: NDArray, column: int, sources: Sequence[int], draw: int = 0
) -> NDArray[np.int64] | None:
    """For each source image, another image whose value of an attribute is the flipped one.

    Args:
        seed: the protocol's.
        ids: of all test images.
        labels: (N, A) of 0 and 1, of all test images.
        column: the attribute's.
        sources: indices of the source images.
        draw: 0 for the edit that is measured; further ones for the diversity.

    Returns:
        Indices of the references, one a source, or None if some source has no image to be its reference.
    """
    having = [np.flatnonzero(labels[:, column] == value) for value in (0, 1)]
    values = [1 - int(labels[source, column]) for source in sources]
    if any(not len(having[value]) for value in values):
        return None
    chosen = [
        having[value][seed_of("reference", seed, str(ids[source]), column, draw) % len(having[value])]
        for source, value in zip(sources, values, strict=True)
    ]
    return np.array(chosen, dtype=np.int64)


def draw_noise(seed: int, ids: Sequence[str], size: int, draw: int = 0) -> Tensor:
    """Latent vectors (len(ids), size) from the standard normal distribution, each image's its own."""
    import torch

    rows = [
        torch.randn(size, generator=torch.Generator().manual_seed(seed_of("noise", seed, str(identity), draw)))
        for identity in ids
    ]
    return torch.stack(rows)
