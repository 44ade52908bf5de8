"""Drawn animals in AFHQ's layout, read back by our AFHQ loader."""

from pathlib import Path

import numpy as np
import pytest
from photo_layouts import write_afhq_layout

from bridgebench.harness.data.afhq import load_afhq
from bridgebench.harness.data.animals.dataset import load_animals
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    counts = {"train": 6, "validation": 3, "test": 7}
    sets = [load_animals(split, n, 32, cache_dir=cache) for split, n in counts.items()]
    return write_afhq_layout(sets, tmp_path_factory.mktemp("data") / "afhq", size=64, ending="png")


def test_folders_are_afhqs(written: Path) -> None:
    counts = {str(p.relative_to(written)): len(list(p.iterdir())) for p in written.glob("*/*")}
    assert counts == {
        **{f"train/{domain}": 3 for domain in DOMAINS},
        **{"val/cat": 3, "val/dog": 2, "val/wild": 2},
    }


def test_our_loader_reads_them_back(written: Path, tmp_path: Path) -> None:
    for split, count in (("test", 7), ("validation", 3)):
        photos = load_afhq(written, split, 64, cache_dir=tmp_path)  # type: ignore[arg-type]
        drawn = load_animals(split, count, 64, cache_dir=tmp_path)
        assert (photos.labels == drawn.labels).all()
        assert (np.asarray(photos.images[:]) == np.asarray(drawn.images)).all()  # PNG, drawn at the size asked for


def test_jpegs_are_near_the_drawing(tmp_path: Path) -> None:
    animals = load_animals("test", 3, 32, cache_dir=tmp_path)
    folder = write_afhq_layout(animals, tmp_path / "afhq", size=64)
    photos = load_afhq(folder, "test", 64, cache_dir=tmp_path)
    drawn = load_animals("test", 3, 64, cache_dir=tmp_path)
    difference = np.abs(np.asarray(photos.images[:]).astype(int) - np.asarray(drawn.images))
    assert difference.mean() < 6 and len(list(folder.glob("val/*/*.jpg"))) == 3


def test_an_existing_folder_is_left_alone(written: Path, tmp_path: Path) -> None:
    animals = load_animals("test", 1, 32, cache_dir=tmp_path)
    with pytest.raises(UserError, match="there already"):
        write_afhq_layout(animals, written)
