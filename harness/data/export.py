"""`bridgebench data export`: drawn images as PNG files, in the form that `harness.data.folder` reads.

Faces get a ``metadata.csv`` with a column for each attribute; of animals, every domain gets a folder.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.metadata import FILE_NAME
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import refuse_existing

_PICTURES = "images"


def export(profile: Profile, out: Path, count: int, attributes: Sequence[str] | None = None) -> Path:
    """Writes the first training images of a profile of drawings; the folder appears when it is complete.

    Args:
        profile: a profile of drawn images.
        out: the folder to write; it must not be there.
        count: how many images.
        attributes: the columns of the table; None: the profile's.

    Returns:
        `out`.

    Raises:
        UserError: the images are no drawings, the folder is there or cannot be written, or there is no such attribute.
    """
    if profile.data.name not in DRAWN_HERE:
        raise UserError(f"The images of '{profile.name}' are photos: they lie in their folder already.")
    refuse_existing(out)
    data = profile.data.model_copy(update={"train": count})
    changed = profile.model_copy(update={"data": data, "attributes": tuple(attributes or profile.attributes)})
    try:
        _ = changed.space
    except ValueError as error:
        raise UserError(f"--attributes: {error}") from error
    images = open_split(changed, "train")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
            made = Path(temporary) / out.name
            _write(images, made)
            made.rename(out)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}).") from error
    return out


def _write(images: ImageSet, folder: Path) -> None:
    exclusive = images.space.exclusive
    places = images.attributes if exclusive else (_PICTURES,)
    for place in places:
        (folder / place).mkdir(parents=True)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow([FILE_NAME, *images.attributes])
    for index, (name, labels) in enumerate(zip(images.ids, images.labels.tolist(), strict=True)):
        place = images.attributes[labels.index(1)] if exclusive else _PICTURES
        Image.fromarray(np.asarray(images.images[index])).save(folder / place / f"{name}.png")
        rows.writerow([f"{place}/{name}.png", *labels])
    if not exclusive:
        (folder / "metadata.csv").write_text(table.getvalue(), encoding="utf-8", newline="")
