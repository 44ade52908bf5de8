"""The interface of all data sets: images, labels, names and, if available, true edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import LabelSpace, label_space

Split = Literal["train", "validation", "test"]
Looks = Sequence[tuple[str, int]]  # an attribute or domain, and the index of the image that shows its style


@dataclass(frozen=True)
class ImageSet:
    """One split of a data set.

    images: (N, H, W, 3) uint8, RGB; has a length and is indexed like the first axis of a numpy array (integers, slices,
        integer arrays); indexing may read from disk.
    labels: (N, A) uint8, 0 or 1, one column for each name in `attributes`.
    ids: a name for each image, unique in the set.
    digest: hex hash of the contents: two sets with the same digest have the same images and labels.
    preparation: can be stored as JSON; how photos were prepared (crop, resize filter), and what was left out of the
        split; None if images are drawn at their final size.
    columns: the label space, where it is not what the names of the columns say.
    """

    images: Any
    labels: NDArray[np.uint8]
    ids: Sequence[str]
    attributes: tuple[str, ...]
    image_size: int
    name: str
    digest: str
    preparation: Mapping[str, Any] | None = field(default=None, kw_only=True)
    columns: LabelSpace | None = field(default=None, kw_only=True)

    has_truth: ClassVar[bool] = False

    @property
    def space(self) -> LabelSpace:
        """The label space: the meaning of the label columns."""
        return self.columns or label_space(self.attributes)

    def __len__(self) -> int:
        return len(self.images)

    def true_edit(
        self,
        indices: Sequence[int] | NDArray[np.integer],
        labels: NDArray,
        looks: Sequence[Looks] | None = None,
    ) -> NDArray[np.uint8]:
        """The images `indices` as they truly look with `labels` (n, A): uint8 (n, H, W, 3).

        With `looks` (n), the style of each named attribute (or domain) is taken from the image of this set that stands
        beside its name.

        Raises UserError if the set has no true edits (`has_truth` is False).
        """
        raise UserError(f"The data set '{self.name}' has no true edits: it holds photos, not drawings.")

    def fresh(self, labels: NDArray) -> NDArray[np.uint8]:
        """Images with `labels` (n, A) of people that are in no split: uint8 (n, H, W, 3); the same for equal labels.

        Raises UserError if the set cannot draw (`has_truth` is False).
        """
        raise UserError(f"The data set '{self.name}' holds photos: it cannot draw new ones.")
