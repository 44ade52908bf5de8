"""What is no file in the place of one gives one sentence, in the caches and trainings; files of others stay."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridgebench.harness.data.cache import ImageCache, cached_images
from bridgebench.harness.data.photo_sources import PhotoFolder
from bridgebench.harness.train.checkpoint import FILE, read_progress, read_state
from bridgebench.harness.weights.card_page import write_card
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import save_tensors

Make = Callable[[Path], object]
ODD = pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A read that waits for ever ends the test."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def draw(job: int) -> NDArray[np.uint8]:
    return np.full((4, 4, 3), job, np.uint8)


def images(folder: Path) -> NDArray[np.uint8]:
    return cached_images({}, draw, [1, 2, 3], size=4, name="squares", cache_dir=folder).images


@ODD
@pytest.mark.parametrize("name", ["images.npy", "blocks.jsonl"])
def test_the_cache_of_images_says_what_is_in_its_way(tmp_path: Path, name: str, make: Make) -> None:
    images(tmp_path)
    (path,) = tmp_path.glob(f"*/{name}")
    path.unlink()
    make(path)
    with pytest.raises(UserError, match=f"{name} is not a regular file"):
        images(tmp_path)
    assert os.path.lexists(path)


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00\n", b"[" * 100_000, b'{"block": 1e999}\n', b"null\n7\n[]\n"])
def test_damaged_lines_of_the_cache_of_images_are_passed_over(tmp_path: Path, damage: bytes) -> None:
    images(tmp_path)
    (path,) = tmp_path.glob("*/blocks.jsonl")
    path.write_bytes(damage + path.read_bytes())
    assert images(tmp_path)[:, 0, 0, 0].tolist() == [1, 2, 3]
    path.write_bytes(damage)
    assert images(tmp_path)[:, 0, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("old, new", [(b"{'descr': '|u1'", b"{'descr': '|u1"), (b"|u1", b"|i1"), (b"False", b"True ")])
def test_images_with_a_damaged_head_are_made_again(tmp_path: Path, old: bytes, new: bytes) -> None:
    expected = images(tmp_path).copy()
    (path,) = tmp_path.glob("*/images.npy")
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    assert (images(tmp_path) == expected).all()
    assert images(tmp_path).dtype == np.uint8


def test_a_pipe_among_the_photos_of_a_data_set_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.png")
    with pytest.raises(UserError, match=r"1\.png is no photo of the data set"):
        PhotoFolder(tmp_path).read("1.png")


def test_a_huge_list_of_blocks_is_not_read(tmp_path: Path) -> None:
    folder = ImageCache({}, draw, [1, 2, 3], size=4, name="squares", cache_dir=tmp_path).folder
    folder.mkdir()
    with (folder / "blocks.jsonl").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match=r"blocks\.jsonl is damaged \(larger than"):
        images(tmp_path)


@ODD
def test_a_training_says_what_is_in_the_place_of_its_checkpoint(tmp_path: Path, make: Make) -> None:
    make(tmp_path / FILE)
    with pytest.raises(UserError, match=f"{FILE} is not a regular file"):
        read_state(tmp_path, {})
    assert read_progress(tmp_path).iteration == 0


def test_notes_beside_a_weights_file_are_not_replaced_by_its_card(tmp_path: Path) -> None:
    save_tensors(tmp_path / "mine.safetensors", {}, "stargan", {}, {})
    card = write_card(tmp_path / "mine.safetensors")
    before = card.read_bytes()
    assert write_card(tmp_path / "mine.safetensors").read_bytes() == before
    card.write_text("# My notes\n")
    with pytest.raises(UserError, match=r"mine\.md exists already"):
        write_card(tmp_path / "mine.safetensors")
    assert card.read_text() == "# My notes\n"
