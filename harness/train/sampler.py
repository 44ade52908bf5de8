"""The order in which training images are seen: a new permutation an epoch, resumable at any batch."""

from __future__ import annotations

import numpy as np
import torch

from harness.data.base import ImageSet
from methods.training import Batch


class BatchSampler:
    """Endless batches of a training set, shuffled anew in each epoch; the last, smaller batch is dropped.

    The order follows from the seed alone, so `position` (batches given so far) is all the state there is.

    Args:
        images: the training set.
        batch_size: images a batch.
        seed: of the permutations.
        device: where the batches go.
    """

    def __init__(self, images: ImageSet, batch_size: int, seed: int, device: torch.device) -> None:
        self.images, self.batch_size, self.seed, self.device = images, batch_size, seed, device
        self.batches_an_epoch = len(images.labels) // batch_size
        self.position = 0
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def next_batch(self) -> Batch:
        """The next batch, images as float32 in [-1, 1]."""
        epoch, place = divmod(self.position, self.batches_an_epoch)
        if epoch != self._epoch:
            seeds = np.random.SeedSequence([self.seed, epoch])
            self._epoch, self._order = epoch, np.random.default_rng(seeds).permutation(len(self.images.labels))
        # Sorted within the batch: reads of a memory-mapped or zipped set go forward.
        chosen = np.sort(self._order[place * self.batch_size : (place + 1) * self.batch_size])
        self.position += 1
        pixels = torch.from_numpy(np.ascontiguousarray(self.images.images[chosen]))
        images = pixels.to(self.device).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)
        labels = torch.from_numpy(np.asarray(self.images.labels[chosen], dtype=np.float32))
        return Batch(images, labels.to(self.device), torch.from_numpy(chosen).to(self.device))
