"""Opens the images of a profile, for any data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.afhq import load_afhq
from bridgebench.harness.data.animals.dataset import load_animals
from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.celeba import PHOTO_SIZE, load_celeba
from bridgebench.harness.data.faces.dataset import labels_of_split, load_faces
from bridgebench.harness.data.folder import load_folder
from bridgebench.harness.data.plugins import load_plugin
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, Preparation
from bridgebench.harness.profiles.profile import FOLDER, Profile


def drawn_labels(profile: Profile) -> NDArray[np.uint8]:
    """The labels (N, A) of the training images of drawn faces; nothing is drawn."""
    return labels_of_split("train", profile.data.train, profile.data.balance_train, profile.attributes)


def open_split(profile: Profile, split: Split, data_root: Path | None = None, limit: int | None = None) -> ImageSet:
    """The images of one split of a profile's data set.

    Args:
        profile: data set, image size, attributes, and number of images of the split (0: all).
        split: "train", "validation" or "test".
        data_root: folder of the data set, if it is not drawn by bridgebench and the profile names none.
        limit: take only this many images, the first ones.

    Raises:
        UserError: the data set is missing, damaged, or smaller than the profile says.
    """
    return replace(_opened(profile, split, data_root, limit), columns=profile.space)


def _opened(profile: Profile, split: Split, data_root: Path | None, limit: int | None) -> ImageSet:
    data = profile.data
    count: int = getattr(data, split)
    few = count if limit is None else min(count, limit)
    match data.name:
        case "celeba":
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
        case "afhq":
            return load_afhq(
                data_root, split, data.image_size, count=count, limit=limit, skip_damaged=data.skip_damaged
            )
        case "animals":
            return load_animals(split, few, data.image_size)
        case "faces":
            balance = data.balance_train and split == "train"
            return load_faces(split, few, data.image_size, balance=balance, attributes=profile.attributes)
        case name if name == FOLDER:
            return load_folder(profile, split, data_root, limit)
    return load_plugin(profile, split, data_root, limit)
