"""Writes drawn faces in CelebA's own layout, so that whatever reads CelebA can be run on them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bridgebench.harness.data.cache import draw_all
from bridgebench.harness.data.drawn.folder import new_folder
from bridgebench.harness.data.faces.dataset import FaceSet
from bridgebench.harness.data.faces.identity import Identity
from bridgebench.harness.data.faces.render import render_sized
from bridgebench.methods.core.labels import CELEBA40
from numpy.typing import NDArray
from PIL import Image

_PARTITIONS = {"train": 0, "validation": 1, "test": 2}
_WIDTH, _HEIGHT = 178, 218
_QUALITY = 95


def write_celeba_layout(face_sets: FaceSet | Sequence[FaceSet], folder: Path, progress: bool = True) -> Path:
    """Write `img_align_celeba/000001.jpg` ..., `list_attr_celeba.txt` and `list_eval_partition.txt` into `folder`.

    The faces are drawn anew at CelebA's 178 x 218 pixels: the square face in the middle, with more of the scene above
    and below, so that BridgeGAN's central crop of 178 x 178 shows the face as drawn. Several splits are numbered in
    the order given. Columns of attributes that we do not draw are -1. The folder appears only when all is written.

    Raises UserError if `folder` is there already or cannot be written.
    """
    sets = [face_sets] if isinstance(face_sets, FaceSet) else list(face_sets)
    folder = Path(folder)
    with new_folder(folder) as made:
        _write_images(sets, made / "img_align_celeba", progress)
        _write_lists(sets, made)
    return folder


def _write_images(sets: Sequence[FaceSet], folder: Path, progress: bool) -> None:
    folder.mkdir(parents=True)
    jobs = [(labels, faces.identity(k)) for faces in sets for k, labels in enumerate(faces.labels)]
    photos = draw_all(_draw_jpeg, jobs, title=f"Writing {len(jobs)} photos", progress=progress)
    for number, photo in enumerate(photos, start=1):
        (folder / _file_name(number)).write_bytes(photo.tobytes())


def _draw_jpeg(job: tuple[NDArray[np.uint8], Identity]) -> NDArray[np.uint8]:
    """The bytes of the JPEG file, as an array (length,)."""
    file = io.BytesIO()
    Image.fromarray(render_sized(*job, _WIDTH, _HEIGHT)).save(file, "JPEG", quality=_QUALITY)
    return np.frombuffer(file.getvalue(), np.uint8)


def _write_lists(sets: Sequence[FaceSet], folder: Path) -> None:
    attributes = [str(sum(len(faces) for faces in sets)), " ".join(CELEBA40) + " "]
    partition: list[str] = []
    for faces in sets:
        column = {name: k for k, name in enumerate(faces.attributes)}
        for labels in faces.labels:
            name = _file_name(len(partition) + 1)
            values = [1 if name in column and labels[column[name]] else -1 for name in CELEBA40]
            attributes.append(f"{name} " + " ".join(f"{value:2d}" for value in values))
            partition.append(f"{name} {_PARTITIONS[faces.split]}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(attributes) + "\n", encoding="ascii")
    (folder / "list_eval_partition.txt").write_text("\n".join(partition) + "\n", encoding="ascii")


def _file_name(number: int) -> str:
    return f"{number:06d}.jpg"
