"""What every data set offers: images, labels, names, and, where they can be had, the true edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import LabelSpace, label_space

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class ImageSet:
    """One split of a data set.

    images: (N, H, W, 3) uint8, RGB; has a length and is indexed as a numpy array's first axis (integers, slices,
        integer arrays); it may be read from disk as it is indexed.
    labels: (N, A) uint8 of 0 and 1, a column for each name in `attributes`.
    ids: a name for each image, unique in the set.
    digest: hex hash of the contents: two sets of one digest hold the same images and labels.
    preparation: JSON-able; how photos became these images (crop, resize filter), and what was left out of the split;
        None where images are drawn at size.
    """

    images: Any
    labels: NDArray[np.uint8]
    ids: Sequence[str]
    attributes: tuple[str, ...]
    image_size: int
    name: str
    digest: str
    preparation: Mapping[str, Any] | None = field(default=None, kw_only=True)

    has_truth: ClassVar[bool] = False

    @property
    def space(self) -> LabelSpace:
        """What the label columns are."""
        return label_space(self.attributes)

    def __len__(self) -> int:
        return len(self.images)

    def true_edit(
        self,
        indices: Sequence[int] | NDArray[np.integer],
        labels: NDArray,
        reference_indices: Sequence[int] | NDArray[np.integer] | None = None,
        attribute: str | None = None,
    ) -> NDArray[np.uint8]:
        """The images `indices` as they truly look with `labels` (n, A): uint8 (n, H, W, 3).

        With `reference_indices` (n) the style of `attribute` is taken from those images of this set.

        Raises UserError where the set has no true edits (`has_truth` is False).
        """
        raise UserError(f"The data set '{self.name}' has no true edits: it holds photos, not drawings.")
