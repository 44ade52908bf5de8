"""The order of the training data, read as it is asked for and ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.train.sampler import BatchSampler

COUNT, BATCH = 7, 3


class Watched:
    """Images that note which of them were read, and may fail at one."""

    def __init__(self, bad: int | None = None) -> None:
        self.pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 4, 3), dtype=np.uint8)
        self.read: list[list[int]] = []
        self.bad = bad

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, chosen: np.ndarray) -> np.ndarray:
        self.read.append(chosen.tolist())
        if self.bad in chosen:
            raise OSError("this image cannot be read")
        return self.pixels[chosen]


def sampler(ahead: bool | None, images: Watched | None = None) -> BatchSampler:
    labels = np.eye(COUNT, 2, dtype=np.uint8)
    names = [str(index) for index in range(COUNT)]
    data = ImageSet(images or Watched(), labels, names, ("One", "Other"), 4, "seven", "0")
    return BatchSampler(data, BATCH, 5, torch.device("cpu"), ahead=ahead)


def test_an_epoch_is_a_permutation_and_images_are_what_is_stored():
    given, images = sampler(None), Watched()
    batches = [given.next_batch() for _ in range(4)]
    for epoch in (batches[:2], batches[2:]):
        assert len(set(torch.cat([each.indices for each in epoch]).tolist())) == 2 * BATCH
    for images_found, labels, indices in batches:
        wanted = torch.from_numpy(images.pixels[indices.numpy()]).permute(0, 3, 1, 2) / 127.5 - 1
        torch.testing.assert_close(images_found, wanted)
        assert labels.tolist() == np.eye(COUNT, 2)[indices.numpy()].tolist()


def test_reading_ahead_gives_the_same_batches_at_the_same_positions():
    plain, ahead = sampler(False), sampler(True)
    for position in range(6):
        assert plain.position == ahead.position == position
        for one, other in zip(plain.next_batch(), ahead.next_batch(), strict=True):
            assert torch.equal(one, other)


def test_a_batch_is_read_before_it_is_asked_for_and_once():
    images = Watched()
    given = sampler(True, images)
    first = given.next_batch()
    assert given._coming is not None
    given._coming[1].result()
    assert len(images.read) == 2 and images.read[0] == first.indices.tolist()
    assert given.next_batch().indices.tolist() == images.read[1]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_run_goes_on_at_its_position_and_not_where_reading_is(ahead):
    given = sampler(ahead)
    batches = [given.next_batch().indices.tolist() for _ in range(5)]
    resumed = sampler(ahead)
    resumed.position = 3  # as from a checkpoint after three batches
    assert [resumed.next_batch().indices.tolist() for _ in range(2)] == batches[3:]
    resumed.position = 1  # put back while the sixth batch is there already
    assert [resumed.next_batch().indices.tolist() for _ in range(2)] == batches[1:3]


def test_an_image_that_cannot_be_read_fails_where_its_batch_is_due():
    plain = sampler(False)
    second = [plain.next_batch().indices.tolist() for _ in range(2)][1]
    given = sampler(True, Watched(bad=second[0]))
    assert len(given.next_batch().images) == BATCH
    assert given.position == 1
    with pytest.raises(OSError, match="cannot be read"):
        given.next_batch()
    assert given.position == 1


def test_mirrored_images_are_drawn_by_seed_and_position_and_nothing_else_changes():
    plain, images = sampler(None), Watched()
    labels, names = np.eye(COUNT, 2, dtype=np.uint8), [str(index) for index in range(COUNT)]
    data = ImageSet(images, labels, names, ("One", "Other"), 4, "seven", "0")
    mirrored = BatchSampler(data, BATCH, 5, torch.device("cpu"), mirror=True)
    turned = []
    for _ in range(8):
        want, got = plain.next_batch(), mirrored.next_batch()
        assert torch.equal(want.indices, got.indices) and torch.equal(want.labels, got.labels)
        for one, other in zip(want.images, got.images, strict=True):
            turned.append(not torch.equal(one, other))
            assert torch.equal(other, one.flip(2) if turned[-1] else one)
    assert 4 <= sum(turned) <= 20  # of 24
    mirrored.position = 0
    again = [not torch.equal(one, two) for one, two in zip(mirrored.next_batch().images, _first(), strict=True)]
    assert again == turned[:BATCH]


def _first() -> torch.Tensor:
    return sampler(None).next_batch().images
