"""Edits of test images by a method, their true edits, and both kept on disk: many of them do not fit the memory.

An edit depends on its image and target alone.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.eval.judges.classifier import to_float
from bridgebench.harness.benchmark.draws import draw_noise, seed_of
from bridgebench.harness.data.pixels import digest, to_uint8

if TYPE_CHECKING:
    from torch import Tensor

    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor


def edit_images(
    bench: Workbench,
    editor: Editor,
    sources: NDArray[np.int64],
    targets: NDArray[np.uint8],
    references: NDArray[np.int64] | None,
    draws: NDArray[np.int64],
    options: Mapping[str, Any] | None = None,
) -> NDArray[np.uint8]:
    """The edits of some test images, 8-bit: what all measures see.

    Args:
        bench: where the images are.
        editor: the method, with what it needs attached.
        sources: (M,) indices of the images to edit.
        targets: (M, A) target labels.
        references: (M,) indices of the references; None: edits by label.
        draws: (M,) which of several edits of an image each is: it decides the latent vector.
        options: what this method alone understands.

    Returns:
        uint8 (M, H, W, 3).

    Raises:
        ValueError: the method returns another shape, or values that are not finite.
    """
    noise_size = getattr(editor, "noise_size", None)
    # A method that draws from a generator without saying how much can only be kept apart from its batch one by one.
    alone = editor.card.stochastic and noise_size is None
    step = 1 if alone else bench.settings.batch
    parts = []
    for start in range(0, len(sources), step):
        rows = slice(start, start + step)
        images = to_float(bench.images(sources[rows]), bench.device)
        like = None if references is None else to_float(bench.images(references[rows]), bench.device)
        ids = [str(bench.test.ids[source]) for source in sources[rows]]
        seed = bench.settings.seed
        edited = editor.edit(
            images,
            torch.from_numpy(targets[rows].astype(np.float32)),
            like,
            source_labels=torch.from_numpy(bench.labels[sources[rows]].astype(np.float32)),
            noise=draw_noise(seed, ids, noise_size, draws[rows].tolist())
            if editor.card.stochastic and noise_size
            else None,
            generator=torch.Generator().manual_seed(seed_of("generator", seed, ids[0], int(draws[start]))),
            **(options or {}),
        )
        if edited.shape != images.shape:
            raise ValueError(f"{editor.name} returned the shape {tuple(edited.shape)} for {tuple(images.shape)}")
        parts.append(to_uint8(edited))
    return np.concatenate(parts)


class TrueEdits:
    """True edits of test images towards one attribute or domain: for the measures, and lent to methods as `truth`.

    A true edit is drawn once and kept on disk, whoever asks for it, in a file that vanishes with this object.

    Args:
        bench: a workbench whose data set has true edits.
        attribute: what the edits change, by the name of the cell.
        keep: whether to keep what was drawn; off where the drawing is to be timed.
    """

    def __init__(self, bench: Workbench, attribute: str, *, keep: bool = True) -> None:
        self._test = bench.test
        self._attribute = attribute
        self._bench = bench
        self._batch = bench.settings.batch  # few at once: the cells themselves run side by side already
        self._keep = keep
        self._shape = (bench.test.image_size, bench.test.image_size, 3)
        self._file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._places: dict[tuple[int, int, bytes], int] = {}

    def of(
        self, sources: NDArray[np.int64], targets: NDArray[np.uint8], references: NDArray[np.int64] | None
    ) -> NDArray[np.uint8]:
        """The true edits (M, H, W, 3) of images given by index."""
        if not self._keep:
            return self._draw(sources, targets, references)
        like = np.full(len(sources), -1) if references is None else references
        keys = [
            (int(source), int(reference), target.tobytes())
            for source, reference, target in zip(sources, like, targets, strict=True)
        ]
        rows = {key: row for row, key in enumerate(keys) if key not in self._places}  # each of them once
        missing = list(rows.values())
        for start in range(0, len(missing), self._batch):
            some = missing[start : start + self._batch]
            images = self._draw(sources[some], targets[some], None if references is None else references[some])
            for row, image in zip(some, images, strict=True):
                self._places[keys[row]] = self._file.seek(0, os.SEEK_END)
                self._file.write(image.tobytes())
        return np.stack([self._read(self._places[key]) for key in keys])

    def __call__(self, images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        """The true edits of images given by their pixels, float in [-1, 1] as in ``Editor.edit``."""
        references = None if reference is None else self._find(reference)
        targets = labels.cpu().numpy().astype(np.uint8)
        return to_float(self.of(self._find(images), targets, references)).to(images.device)

    def _draw(
        self, sources: NDArray[np.int64], targets: NDArray[np.uint8], references: NDArray[np.int64] | None
    ) -> NDArray[np.uint8]:
        return self._test.true_edit(sources, targets, references, attribute=self._attribute)

    def _read(self, place: int) -> NDArray[np.uint8]:
        self._file.seek(place)
        return np.frombuffer(self._file.read(math.prod(self._shape)), np.uint8).reshape(self._shape)

    def _find(self, images: Tensor) -> NDArray[np.int64]:
        return np.array([self._bench.positions[digest(image)] for image in to_uint8(images)], dtype=np.int64)


class KeptEdits:
    """Edits in their order, in a file that vanishes with this object: many of them do not fit the memory."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._shape: tuple[int, ...] = ()

    def add(self, edits: NDArray[np.uint8]) -> None:
        """Takes the next edits, (M, H, W, 3)."""
        self._shape = edits.shape[1:]
        self._file.seek(0, os.SEEK_END)
        self._file.write(edits.tobytes())

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Some of those that were added, by their place, (K, H, W, 3)."""
        size = int(np.prod(self._shape))
        found = np.empty((len(rows), *self._shape), np.uint8)
        for image, row in zip(found, rows.tolist(), strict=True):
            self._file.seek(row * size)
            image[:] = np.frombuffer(self._file.read(size), np.uint8).reshape(self._shape)
        return found
