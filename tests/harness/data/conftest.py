"""A small CelebA on disk, made here, that tests of loaders and checks share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.methods.core.labels import CELEBA14

COUNT = 12
PARTITION = [0, 0, 1, 2, 0, 2, 2, 1, 0, 2, 0, 2]
OTHERS = [f"Other_{k}" for k in range(26)]


@pytest.fixture
def celeba_root(tmp_path: Path) -> Path:
    """A folder with a small CelebA: photo i is of one colour that tells i."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    ids = [f"{i + 1:06d}.jpg" for i in range(COUNT)]
    for i, name in enumerate(ids):
        Image.new("RGB", (178, 218), (20 * i, 255 - 20 * i, 128)).save(folder / "img_align_celeba" / name, quality=95)
    names = sorted([*CELEBA14, *OTHERS])
    values = np.random.default_rng(0).integers(0, 2, (COUNT, len(names))) * 2 - 1
    rows = [f"{name} {' '.join(f'{v:2d}' for v in row)}" for name, row in zip(ids, values, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(COUNT), " ".join(names), *rows, ""]))
    (folder / "list_eval_partition.txt").write_text(
        "".join(f"{name} {split}\n" for name, split in zip(ids, PARTITION, strict=True))
    )
    return tmp_path
