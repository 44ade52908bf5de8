"""A judge's answers for images: one pass gives logits for accuracy and leakage, and features for distances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.eval.judges.classifier import AttributeClassifier, to_float
from bridgebench.eval.judges.gathered import Gathered
from bridgebench.methods.core.labels import LabelSpace

BATCH = 128
_LARGEST = BATCH * 64 * 64  # pixels in a batch: large images get smaller batches, so that memory does not grow


@dataclass(frozen=True)
class Reading:
    """A judge's answers for N images.

    Attributes:
        logits: (N, A) float32, one for each label column.
        features: (N, D) float32, the judge's last hidden layer, rounded to half precision.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities (N, A) in [0, 1] that the attributes are present."""
        # The sigmoid, written with tanh: it overflows at neither end.
        return 0.5 + 0.5 * np.tanh(0.5 * self.logits.astype(np.float64))

    def of(self, columns: int) -> Reading:
        """The answers for the first label columns, of a network that has more outputs."""
        return Reading(self.logits[:, :columns], self.features)

    def seen(self, space: LabelSpace) -> NDArray[np.bool_]:
        """(N, A): which columns of a label space the judge says are present."""
        return space.seen(self.logits)


class GatheredReading:
    """Collects a judge's answers for N images, batch by batch.

    Attributes:
        logits, features: as in :class:`Reading`.
    """

    def __init__(self, total: int) -> None:
        self.logits, self.features = Gathered(total), Gathered(total)

    def add(self, reading: Reading) -> None:
        """Adds the answers for the next images."""
        self.logits.add(reading.logits)
        self.features.add(reading.features)

    @property
    def reading(self) -> Reading:
        """The answers for all images so far."""
        return Reading(self.logits.rows, self.features.rows)


def half(values: NDArray[Any]) -> NDArray[np.float32]:
    """Values rounded to half precision, as a cell's outcomes keep them: what is measured can be computed again.

    Raises:
        ValueError: a value is not finite, or beyond the range of half precision (65,504).
    """
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16)
    if not np.isfinite(rounded).all():
        raise ValueError("a feature or probability is not finite, or larger than 65,504")
    return rounded.astype(np.float32)


def batches(images: NDArray[np.uint8]) -> Iterator[slice]:
    """Slices of images (N ≥ 1, H, W, 3) that a network looks at together: at most 128, fewer of large images."""
    height, width = np.asarray(images[:1]).shape[1:3]
    size = min(BATCH, max(1, _LARGEST // (height * width)))
    for start in range(0, len(images), size):
        yield slice(start, start + size)


def read(judge: AttributeClassifier, images: NDArray[np.uint8]) -> Reading:
    """A judge's answers for uint8 images (N ≥ 1, H, W, 3), which may be an array on disk, read slice by slice."""
    device = next(judge.parameters()).device
    found = GatheredReading(len(images))
    for rows in batches(images):
        batch = to_float(np.asarray(images[rows]), device)
        with torch.inference_mode():
            logits, features = judge.read(batch)
        found.add(Reading(logits.cpu().numpy(), half(features.cpu().numpy())))
    return found.reading
