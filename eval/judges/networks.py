"""Networks through which measures look at images, besides the judges and the feature space of a run."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.distances.reals import Reals
from bridgebench.eval.judges.gathered import Gathered
from bridgebench.eval.judges.reading import batches

_REMEMBERED = 64  # batches


@dataclass(frozen=True)
class Network:
    """A network that turns images into vectors.

    Attributes:
        digest: SHA-256 of its weights; equal networks are asked once.
        embed: uint8 images (N, H, W, 3) -> float32 vectors (N, D), NaN where it finds nothing to look at. D may depend
            on the size of the images.
    """

    digest: str
    embed: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Networks:
    """The networks of a run, by the names that the cards of measures give them.

    Attributes:
        found: those that are there.
        missing: how to get those that are not.
        reals: of conversions, the real images in the spaces of those that serve as feature spaces.
    """

    found: Mapping[str, Network] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    reals: Mapping[str, Reals] = field(default_factory=dict)


def vectors(network: Network, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A network's vectors (N, D) of images (N, H, W, 3), which may be an array on disk, read slice by slice."""
    gathered = Gathered(len(images))
    for rows in batches(images):
        gathered.add(network.embed(np.asarray(images[rows])))
    return gathered.rows


def remembered(network: Network) -> Network:
    """The same network, which remembers its answers to the last batches: all methods edit the same sources.

    Whole batches, not single images: another batch could change the last digits of an answer.
    """
    known: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    def embed(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        key = hashlib.sha256(images.tobytes()).digest() + str(images.shape).encode()
        if key not in known:
            known[key] = network.embed(images)
        known.move_to_end(key)
        if len(known) > _REMEMBERED:
            known.popitem(last=False)
        return known[key]

    return Network(network.digest, embed)
