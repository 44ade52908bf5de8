"""Writes drawn animals in AFHQ's own layout, so that whatever reads AFHQ can be run on them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from bridgebench.harness.data.animals.dataset import AnimalSet
from bridgebench.harness.data.animals.identity import Identity
from bridgebench.harness.data.animals.render import render
from bridgebench.harness.data.cache import draw_all
from bridgebench.harness.data.drawn.folder import new_folder
from numpy.typing import NDArray
from PIL import Image

_PARTS = {"train": "train", "validation": "train", "test": "val"}  # AFHQ has no validation part
_QUALITY = 95


def write_afhq_layout(
    sets: AnimalSet | Sequence[AnimalSet], folder: Path, size: int = 512, ending: str = "jpg", progress: bool = True
) -> Path:
    """Write ``{train,val}/{cat,dog,wild}/drawn_DOMAIN_SPLIT-NUMBER.ENDING`` into `folder`.

    The animals are drawn anew at `size` pixels (AFHQ's are 512). Test animals go to ``val``; a validation set goes to
    ``train`` behind the training animals, by name too, as AFHQ's own validation photos are the last of ``train``.
    `ending` is "jpg" or "png", as in AFHQ's first and second version.

    Raises UserError if `folder` is there already or cannot be written.
    """
    with new_folder(Path(folder)) as made:
        for animals in [sets] if isinstance(sets, AnimalSet) else sets:
            _write_split(animals, made / _PARTS[animals.split], size, ending, progress)
    return Path(folder)


def _write_split(animals: AnimalSet, folder: Path, size: int, ending: str, progress: bool) -> None:
    for domain in animals.attributes:
        (folder / domain).mkdir(parents=True, exist_ok=True)
    domains = [animals.attributes[k] for k in animals.labels.argmax(axis=1)]
    jobs = [(domain, animals.identity(k)) for k, domain in enumerate(domains)]
    draw = partial(_draw_file, size, ending)
    files = draw_all(draw, jobs, title=f"Writing {len(jobs)} photos", progress=progress)
    for name, domain, file in zip(animals.ids, domains, files, strict=True):
        (folder / domain / f"drawn_{domain}_{name}.{ending}").write_bytes(file.tobytes())


def _draw_file(size: int, ending: str, job: tuple[str, Identity]) -> NDArray[np.uint8]:
    """The bytes of the image file, as an array (length,)."""
    file = io.BytesIO()
    options = {"quality": _QUALITY} if ending == "jpg" else {}
    Image.fromarray(render(*job, size)).save(file, "JPEG" if ending == "jpg" else "PNG", **options)
    return np.frombuffer(file.getvalue(), np.uint8)
