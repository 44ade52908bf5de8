"""An example of a data set of one's own: a loader that bridgebench finds by its entry point.

In a profile: [data] name = "shapes", and attributes = ["Round", "Bright"], in any choice and order.
"""

import hashlib

import numpy as np

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.plugins import DataRequest
from bridgebench.methods.core.errors import UserError

SIZES = {"train": 120, "validation": 30, "test": 60}  # images of each split
ATTRIBUTES = ("Round", "Bright")


def load(asked: DataRequest) -> ImageSet:
    """The images of a split, as bridgebench asks for them."""
    if asked.root is not None and not asked.root.is_dir():
        raise UserError(f"There is no folder {asked.root}.")  # a real data set would read its files from there
    strange = set(asked.space.columns) - set(ATTRIBUTES)
    if strange:
        raise UserError(f"The shapes have no attribute {', '.join(sorted(strange))}: {', '.join(ATTRIBUTES)}.")
    there = SIZES[asked.split]
    if asked.count > there:
        raise UserError(f"The {asked.split} split of the shapes holds {there} images; {asked.count} are asked for.")
    count = min(asked.count or there, asked.limit or there)
    first = sum(size for split, size in SIZES.items() if split > asked.split)  # another place for every split
    labels = np.array([[k % 2, k // 2 % 2] for k in range(count)], np.uint8)
    images = np.stack([_draw(first + k, *row, asked.image_size) for k, row in enumerate(labels)])
    chosen = labels[:, [ATTRIBUTES.index(name) for name in asked.space.columns]]
    return ImageSet(
        images=images,
        labels=chosen,
        ids=[f"{asked.split}-{k}" for k in range(count)],
        attributes=asked.space.columns,
        image_size=asked.image_size,
        name="shapes",
        digest=hashlib.sha256(images.tobytes() + chosen.tobytes()).hexdigest(),
    )


def _draw(seed: int, is_round: int, is_bright: int, size: int) -> np.ndarray:
    """A disc or a square, bright or dark, somewhere on a plain ground: uint8 (size, size, 3)."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    x, y = x - rng.uniform(-0.4, 0.4), y - rng.uniform(-0.4, 0.4)
    inside = x**2 + y**2 < 0.25 if is_round else np.maximum(abs(x), abs(y)) < 0.45
    ground, colour = rng.integers(90, 130, 3), rng.integers(170, 255, 3) if is_bright else rng.integers(0, 60, 3)
    return np.where(inside[..., None], colour, ground).astype(np.uint8)
