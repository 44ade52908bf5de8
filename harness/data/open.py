"""Opens the images of a profile, for any data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.afhq import load_afhq
from bridgebench.harness.data.animals.dataset import load_animals
from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.celeba import PHOTO_SIZE, load_celeba
from bridgebench.harness.data.faces.dataset import labels_of_split, load_faces
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, Preparation
from bridgebench.harness.profiles.profile import Profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14


def drawn_labels(profile: Profile) -> NDArray[np.uint8]:
    """The labels (N, A) of the training images of drawn faces; nothing is drawn."""
    return labels_of_split("train", profile.data.train, profile.data.balance_train)


def open_split(profile: Profile, split: Split, data_root: Path | None = None, limit: int | None = None) -> ImageSet:
    """The images of one split of a profile's data set.

    Args:
        profile: data set, image size, attributes, and number of images of the split (0: all).
        split: "train", "validation" or "test".
        data_root: folder of the data set, if it is not drawn by bridgebench.
        limit: take only this many images, the first ones.

    Raises:
        UserError: the data set is missing, damaged, or smaller than the profile says.
    """
    data = profile.data
    count: int = getattr(data, split)
    if data.name == "celeba":
        crop = CELEBA_BRIDGEGAN if data.crop is None else Crop(**data.crop.model_dump())
        return load_celeba(
            data_root,
            split,
            profile.attributes,
            data.image_size,
            count=count,
            limit=limit,
            rule=data.split,
            skip_damaged=data.skip_damaged,
            preparation=Preparation(crop, data.resize, data.image_size, PHOTO_SIZE),
        )
    if data.name == "afhq":
        return load_afhq(data_root, split, data.image_size, count=count, limit=limit, skip_damaged=data.skip_damaged)
    if data.name == "animals":
        return load_animals(split, count if limit is None else min(count, limit), data.image_size)
    if profile.attributes != CELEBA14:
        raise UserError(
            f"The drawn faces have the attributes {', '.join(CELEBA14)}, in this order; the profile '{profile.name}' "
            "names others: leave them as they are, or use a data set of photos."
        )
    count = count if limit is None else min(count, limit)
    return load_faces(split, count, data.image_size, balance=data.balance_train and split == "train")
