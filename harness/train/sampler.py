"""The order of the training images: a new permutation in each epoch, resumable at any batch."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from bridgebench.harness.data.base import ImageSet
from bridgebench.methods.training.base import Batch


class BatchSampler:
    """Endless batches of a training set, shuffled anew in each epoch; the last, smaller batch is dropped.

    The order follows from the seed alone, so `position` (number of batches returned so far) is the whole state. A
    thread can read the next batch ahead of time; that batch counts only once it is returned.

    Args:
        images: the training set.
        batch_size: images per batch.
        seed: seed of the permutations.
        device: device of the returned batches.
        mirror: mirror each image with probability 0.5, drawn from the seed and the batch's position.
        ahead: read the next batch before it is asked for; None: only on a GPU, which computes in the meantime.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        seed: int,
        device: torch.device,
        *,
        mirror: bool = False,
        ahead: bool | None = None,
    ) -> None:
        self.images, self.batch_size, self.seed, self.device = images, batch_size, seed, device
        self.batches_an_epoch = len(images.labels) // batch_size
        self.mirror = mirror
        self.position = 0
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)
        self._on_gpu = device.type == "cuda"
        self._reader = ThreadPoolExecutor(1) if (self._on_gpu if ahead is None else ahead) else None
        self._coming: tuple[int, Future[Batch]] | None = None  # a position, and the batch being read for it

    def next_batch(self) -> Batch:
        """The next batch, images as float32 in [-1, 1]."""
        pixels, labels, indices = map(self._sent, self._stored())
        self.position += 1
        if self._reader:
            self._coming = self.position, self._reader.submit(self._read, self.position)
        return Batch(pixels.permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1), labels, indices)

    def _stored(self) -> Batch:
        """The batch at `position`. If a thread reads ahead, it reads all batches, so that two never read at once."""
        if self._reader is None:
            return self._read(self.position)
        if self._coming is None or self._coming[0] != self.position:  # first batch, or restored from a checkpoint
            self._coming = self.position, self._reader.submit(self._read, self.position)
        return self._coming[1].result()

    def _read(self, position: int) -> Batch:
        """The batch at a position, on the CPU, with images as stored: uint8 (N, H, W, 3)."""
        epoch, place = divmod(position, self.batches_an_epoch)
        if epoch != self._epoch:
            seeds = np.random.SeedSequence([self.seed, epoch])
            self._epoch, self._order = epoch, np.random.default_rng(seeds).permutation(len(self.images.labels))
        # Indices are sorted within the batch, so that a memory-mapped or zipped set is read in forward order.
        chosen = np.sort(self._order[place * self.batch_size : (place + 1) * self.batch_size])
        stored = np.ascontiguousarray(self.images.images[chosen])
        if self.mirror:
            draw = np.random.default_rng([self.seed, position, 1]).random(len(stored)) < 0.5
            stored[draw] = stored[draw, :, ::-1]
        pixels = torch.from_numpy(stored)
        labels = torch.from_numpy(np.asarray(self.images.labels[chosen], dtype=np.float32))
        batch = Batch(pixels, labels, torch.from_numpy(chosen))
        return Batch(*(each.pin_memory() for each in batch)) if self._on_gpu else batch

    def _sent(self, values: Tensor) -> Tensor:
        """Moves values to the device. From pinned memory, the copy runs while the program continues."""
        return values.to(self.device, non_blocking=self._on_gpu)
