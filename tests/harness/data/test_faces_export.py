"""Drawn faces in CelebA's layout, read back by CelebA's own rules and by our loader."""

from pathlib import Path

import numpy as np
import pytest
from photo_layouts import write_celeba_layout
from PIL import Image

from bridgebench.harness.data.celeba import load_celeba
from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.data.faces.render import render
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    sets = [load_faces(split, 3, 32, cache_dir=cache) for split in ("train", "validation", "test")]
    return write_celeba_layout(sets, tmp_path_factory.mktemp("data") / "celeba")


def read_list(path: Path, head: int) -> dict[str, list[str]]:
    rows = [line.split() for line in path.read_text().splitlines()[head:]]
    return {row[0]: row[1:] for row in rows}


def test_lists_follow_celebas_rules(written: Path) -> None:
    count, names = (written / "list_attr_celeba.txt").read_text().splitlines()[:2]
    labels = read_list(written / "list_attr_celeba.txt", 2)
    partition = read_list(written / "list_eval_partition.txt", 0)
    columns = names.split()
    assert int(count) == len(labels) == 9 and len(columns) == 40 == len(set(columns))
    assert (columns[0], columns[20], columns[39]) == ("5_o_Clock_Shadow", "Male", "Young")
    assert list(labels) == list(partition) == [f"{k:06d}.jpg" for k in range(1, 10)]
    assert [row[0] for row in partition.values()] == list("000111222")
    values = np.array([[int(v) for v in row] for row in labels.values()])
    assert values.shape == (9, 40) and set(values.ravel()) == {-1, 1}
    assert (values[:, [k for k, name in enumerate(columns) if name not in CELEBA14]] == -1).all()


def test_photos_hold_the_face_in_celebas_crop(written: Path, tmp_path: Path) -> None:
    faces = load_faces("test", 3, 32, cache_dir=tmp_path)
    with Image.open(written / "img_align_celeba" / "000008.jpg") as photo:
        assert photo.size == (178, 218) and photo.format == "JPEG"
        crop = np.asarray(photo)[20:198].astype(int)
    drawn = render(faces.labels[1], faces.identity(1), 178).astype(int)
    assert np.abs(crop - drawn).mean() < 5


def test_our_loader_reads_them_back(written: Path, tmp_path: Path) -> None:
    photos = load_celeba(written, "test", CELEBA14, 64)
    faces = load_faces("test", 3, 64, cache_dir=tmp_path)
    assert (photos.labels == faces.labels).all()
    assert photos.images[:].shape == (3, 64, 64, 3)


def test_an_existing_folder_is_left_alone(written: Path, tmp_path: Path) -> None:
    faces = load_faces("test", 1, 32, cache_dir=tmp_path)
    with pytest.raises(UserError, match="there already"):
        write_celeba_layout(faces, written)
