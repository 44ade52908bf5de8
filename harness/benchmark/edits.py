"""Edits of test images by a method, and true edits. Both are kept on disk, because many edits do not fit into memory.

An edit depends only on its own image and target, not on the rest of the batch.
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
    """Edits some test images; returns the 8-bit edits that all measures see.

    Args:
        bench: where the images are.
        editor: the method, with everything it needs attached.
        sources: (M,) indices of the images to edit.
        targets: (M, A) target labels.
        references: (M,) indices of the references; None: edits by label.
        draws: (M,) number of each edit among the edits of its image; it decides the latent vector.
        options: arguments that only this method takes.

    Returns:
        uint8 (M, H, W, 3).

    Raises:
        ValueError: the method returns another shape, or values that are not finite.
    """
    noise_size = getattr(editor, "noise_size", None)
    # A method that does not say how much noise it draws edits one image at a time; else an edit depends on its batch.
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
    """True edits of test images towards one attribute or domain, for measures and for methods that need `truth`.

    A true edit is drawn once and kept in a file on disk, which is deleted with this object.

    Args:
        bench: a workbench whose data set has true edits.
        attribute: the edited attribute or conversion, as in the name of the cell.
        keep: whether to keep drawn edits; False to time the drawing.
    """

    def __init__(self, bench: Workbench, attribute: str, *, keep: bool = True) -> None:
        self._test = bench.test
        self._attribute = attribute
        self._bench = bench
        self._batch = bench.settings.batch  # small batches, because cells already run in parallel
        self._keep = keep
        self._shape = (bench.test.image_size, bench.test.image_size, 3)
        self._file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._places: dict[tuple[int, int, bytes], int] = {}

    def of(
        self, sources: NDArray[np.int64], targets: NDArray[np.uint8], references: NDArray[np.int64] | None
    ) -> NDArray[np.uint8]:
        """The true edits, uint8 (M, H, W, 3), of test images given by index."""
        if not self._keep:
            return self._draw(sources, targets, references)
        like = np.full(len(sources), -1) if references is None else references
        keys = [
            (int(source), int(reference), target.tobytes())
            for source, reference, target in zip(sources, like, targets, strict=True)
        ]
        rows = {key: row for row, key in enumerate(keys) if key not in self._places}  # each edit once
        missing = list(rows.values())
        for start in range(0, len(missing), self._batch):
            some = missing[start : start + self._batch]
            images = self._draw(sources[some], targets[some], None if references is None else references[some])
            for row, image in zip(some, images, strict=True):
                self._places[keys[row]] = self._file.seek(0, os.SEEK_END)
                self._file.write(image.tobytes())
        return np.stack([self._read(self._places[key]) for key in keys])

    def __call__(self, images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        """The true edits of test images given by their pixels; floats in [-1, 1], as in ``Editor.edit``."""
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
    """Edits in order, in a file that is deleted with this object; many edits do not fit into memory."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._shape: tuple[int, ...] = ()

    def add(self, edits: NDArray[np.uint8]) -> None:
        """Appends edits, uint8 (M, H, W, 3)."""
        self._shape = edits.shape[1:]
        self._file.seek(0, os.SEEK_END)
        self._file.write(edits.tobytes())

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The edits at the given positions, uint8 (K, H, W, 3)."""
        size = int(np.prod(self._shape))
        found = np.empty((len(rows), *self._shape), np.uint8)
        for image, row in zip(found, rows.tolist(), strict=True):
            self._file.seek(row * size)
            image[:] = np.frombuffer(self._file.read(size), np.uint8).reshape(self._shape)
        return found
