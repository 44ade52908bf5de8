"""All random draws of an evaluation: which reference and which latent vector an image gets.

Each draw has its own seed, made from the protocol's seed and the purpose of the draw. So a draw does not depend on
other draws: not on the batch, the order, the process, or which other cells are computed.
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
    seed: int,
    ids: Sequence[str],
    labels: NDArray,
    pool: NDArray[np.int64],
    column: int,
    sources: Sequence[int] | NDArray[np.int64],
    targets: NDArray,
    draw: int = 0,
) -> NDArray[np.int64] | None:
    """For each source image, another image that has the target's value of an attribute; the same for every method.

    Args:
        seed: seed of the protocol.
        ids: names of all N test images.
        labels: (N, A) labels of all test images, 0 or 1.
        pool: indices of the test images that may be references.
        column: label column of the attribute.
        sources: indices of the M source images.
        targets: (M, A) labels of the sources after the flip.
        draw: 0 for the edit that is measured; higher numbers for diversity.

    Returns:
        (M,) indices of the references, one per source; None if some source has no possible reference.
    """
    having = {value: pool[labels[pool, column] == value] for value in (0, 1)}
    chosen = []
    for source, target in zip(sources, targets[:, column], strict=True):
        found = having[int(target)]
        if not len(found):
            return None
        chosen.append(found[seed_of("reference", seed, str(ids[source]), column, draw) % len(found)])
    return np.array(chosen, dtype=np.int64)


def best_references(
    seed: int,
    ids: Sequence[str],
    labels: NDArray,
    pool: NDArray[np.int64],
    sources: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    targets: NDArray,
) -> NDArray[np.int64]:
    """For each source image, an image that has the target's values of all flipped attributes, or else of the most.

    For one attribute it is the image that `draw_references` draws.

    Args:
        seed, ids, labels, pool: as for `draw_references`.
        sources: indices of the M source images.
        flipped: (M, A) bool, the columns that are flipped.
        targets: (M, A) labels after the flips.

    Returns:
        (M,) indices of the references.
    """
    chosen = []
    for source, columns, target in zip(sources, flipped, targets, strict=True):
        agreeing = (labels[pool][:, columns] == target[columns]).sum(axis=1)
        found = pool[agreeing == agreeing.max()]
        place = seed_of("reference", seed, str(ids[source]), *np.flatnonzero(columns).tolist(), 0)
        chosen.append(found[place % len(found)])
    return np.array(chosen, dtype=np.int64)


def deal_references(seed: int, name: str, having: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` references dealt from the images `having`, which are shuffled again each time all have been used.

    So each image is used about equally often, as in StarGAN v2's protocol. The order follows from the protocol's seed
    and from `name`, the name of the conversion.
    """
    rounds = -(-count // len(having))
    dealt = [np.random.default_rng(seed_of("deal", seed, name, one)).permutation(having) for one in range(rounds)]
    return np.concatenate(dealt)[:count]


def draw_noise(seed: int, ids: Sequence[str], size: int, draws: Sequence[int]) -> Tensor:
    """Latent vectors (len(ids), size) from the standard normal distribution, one for each image and draw."""
    import torch

    seeds = [seed_of("noise", seed, str(identity), int(draw)) for identity, draw in zip(ids, draws, strict=True)]
    return torch.stack([torch.randn(size, generator=torch.Generator().manual_seed(one)) for one in seeds])
