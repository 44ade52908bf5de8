"""Drawn faces and animals in the layouts of CelebA and AFHQ: what the loaders of photos are tried on."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.harness.data.animals.dataset import AnimalSet
from bridgebench.harness.data.animals.identity import Identity as AnimalIdentity
from bridgebench.harness.data.animals.render import render as render_animal
from bridgebench.harness.data.faces.dataset import FaceSet
from bridgebench.harness.data.faces.identity import Identity
from bridgebench.harness.data.faces.render import render_sized
from bridgebench.harness.processes.parallel import run_all
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA40

_PARTS = {"train": "train", "validation": "train", "test": "val"}  # AFHQ has no validation part
_PARTITIONS = {"train": 0, "validation": 1, "test": 2}
_WIDTH, _HEIGHT = 178, 218
_QUALITY = 95


def write_celeba_layout(face_sets: FaceSet | Sequence[FaceSet], folder: Path) -> Path:
    """Write `img_align_celeba/000001.jpg` ..., `list_attr_celeba.txt` and `list_eval_partition.txt` into `folder`.

    The faces are drawn anew at CelebA's 178 x 218 pixels: the square face in the middle, with more of the scene above
    and below, so that BridgeGAN's central crop of 178 x 178 shows the face as drawn. Several splits are numbered in
    the order given. Columns of attributes that we do not draw are -1. The folder appears only when all is written.

    Raises UserError if `folder` is there already or cannot be written.
    """
    sets = [face_sets] if isinstance(face_sets, FaceSet) else list(face_sets)
    folder = Path(folder)
    with new_folder(folder) as made:
        _write_images(sets, made / "img_align_celeba")
        _write_lists(sets, made)
    return folder


def _write_images(sets: Sequence[FaceSet], folder: Path) -> None:
    folder.mkdir(parents=True)
    jobs = [(labels, faces.identity(k)) for faces in sets for k, labels in enumerate(faces.labels)]
    photos = run_all(_draw_jpeg, jobs, title=f"Writing {len(jobs)} photos")
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


def write_afhq_layout(
    sets: AnimalSet | Sequence[AnimalSet], folder: Path, size: int = 512, ending: str = "jpg"
) -> Path:
    """Write ``{train,val}/{cat,dog,wild}/drawn_DOMAIN_SPLIT-NUMBER.ENDING`` into `folder`.

    The animals are drawn anew at `size` pixels (AFHQ's are 512). Test animals go to ``val``; a validation set goes to
    ``train`` behind the training animals, by name too, as AFHQ's own validation photos are the last of ``train``.
    `ending` is "jpg" or "png", as in AFHQ's first and second version.

    Raises UserError if `folder` is there already or cannot be written.
    """
    with new_folder(Path(folder)) as made:
        for animals in [sets] if isinstance(sets, AnimalSet) else sets:
            _write_split(animals, made / _PARTS[animals.split], size, ending)
    return Path(folder)


def _write_split(animals: AnimalSet, folder: Path, size: int, ending: str) -> None:
    for domain in animals.attributes:
        (folder / domain).mkdir(parents=True, exist_ok=True)
    domains = [animals.attributes[k] for k in animals.labels.argmax(axis=1)]
    jobs = [(domain, animals.identity(k)) for k, domain in enumerate(domains)]
    draw = partial(_draw_file, size, ending)
    files = run_all(draw, jobs, title=f"Writing {len(jobs)} photos")
    for name, domain, file in zip(animals.ids, domains, files, strict=True):
        (folder / domain / f"drawn_{domain}_{name}.{ending}").write_bytes(file.tobytes())


def _draw_file(size: int, ending: str, job: tuple[str, AnimalIdentity]) -> NDArray[np.uint8]:
    """The bytes of the image file, as an array (length,)."""
    file = io.BytesIO()
    options = {"quality": _QUALITY} if ending == "jpg" else {}
    Image.fromarray(render_animal(*job, size)).save(file, "JPEG" if ending == "jpg" else "PNG", **options)
    return np.frombuffer(file.getvalue(), np.uint8)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` to write into; it becomes `folder` at the end, and is removed after an error.

    Raises UserError if `folder` is there already or cannot be written.
    """
    if folder.exists():
        raise UserError(f"{folder} is there already; name a new folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            made = Path(temporary) / folder.name
            made.mkdir()
            yield made
            made.rename(folder)
    except OSError as error:
        raise UserError(f"Cannot write {folder} ({error.strerror or error}).") from error
