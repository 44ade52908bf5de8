"""Edits of test images by a method, and true edits. Both are kept on disk, because many edits do not fit into memory.

An edit depends only on its own image and target, not on the rest of the batch.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.eval.judges.classifier import to_float
from bridgebench.harness.benchmark.draws import draw_noise, seed_of
from bridgebench.harness.benchmark.elsewhere import HandedInEditor
from bridgebench.harness.data.pixels import digest, to_uint8

if TYPE_CHECKING:
    from torch import Tensor

    from bridgebench.harness.benchmark.case import Case
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor


_Looks = tuple[tuple[str, int], ...]  # attributes, each with the index of the test image that shows its style
_Key = tuple[int, bytes, _Looks]  # a source, the target labels, and the styles that are taken over


class Start(NamedTuple):
    """Images that are edited in place of test images: their pixels (M, H, W, 3) and labels (M, A)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def case_edits(bench: Workbench, editor: Editor, case: Case) -> NDArray[np.uint8]:
    """The edits of a case by a method, uint8 (P, H, W, 3): in one step, in several, or at several shares.

    Raises:
        UserError: of edits that were made elsewhere, one has changed.
        ValueError: as by `edit_images`.
    """
    if isinstance(editor, HandedInEditor):
        return editor.edits_of(case)
    start = None
    for step in case.earlier:
        edits = edit_images(bench, editor, case.sources, step.targets, step.references, case.draws, start=start)
        start = Start(edits, step.targets)
    if case.shares is None:
        return edit_images(bench, editor, case.sources, case.targets, case.references, case.draws, start=start)
    found = np.empty((len(case.sources), bench.test.image_size, bench.test.image_size, 3), np.uint8)
    for share in np.unique(case.shares).tolist():
        rows = np.flatnonzero(case.shares == share)
        part = case.take(rows)
        references, options = part.references, {}
        if case.kind == "strength":
            options = {"strength": editor.card.strength_at(share)}
        elif "mix" in editor.options:
            options = {"mix": share}
        elif share == 1:  # the end of the way that is an edit by label
            references = None
        found[rows] = edit_images(bench, editor, part.sources, part.targets, references, part.draws, options)
    return found


def edit_images(
    bench: Workbench,
    editor: Editor,
    sources: NDArray[np.int64],
    targets: NDArray[np.uint8],
    references: NDArray[np.int64] | None,
    draws: NDArray[np.int64],
    options: Mapping[str, Any] | None = None,
    start: Start | None = None,
) -> NDArray[np.uint8]:
    """Edits some test images; returns the 8-bit edits that all measures see.

    Args:
        bench: where the images are.
        editor: the method, with everything it needs attached.
        sources: (M,) indices of the images to edit.
        targets: (M, A) target labels.
        references: (M,) indices of the references; None: edits by label.
        draws: (M,) number of each edit among the edits of its image; it decides the latent vector.
        options: a strength, or arguments that only this method takes.
        start: what is edited in place of the images themselves; None: the images.

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
    for first in range(0, len(sources), step):
        rows = slice(first, first + step)
        own = bench.images(sources[rows]) if start is None else start.images[rows]
        labels = bench.labels[sources[rows]] if start is None else start.labels[rows]
        images = to_float(own, bench.device)
        like = None if references is None else to_float(bench.images(references[rows]), bench.device)
        ids = [str(bench.test.ids[source]) for source in sources[rows]]
        seed = bench.settings.seed
        edited = editor.edit(
            images,
            torch.from_numpy(targets[rows].astype(np.float32)),
            like,
            source_labels=torch.from_numpy(labels.astype(np.float32)),
            noise=draw_noise(seed, ids, noise_size, draws[rows].tolist())
            if editor.card.stochastic and noise_size
            else None,
            generator=torch.Generator().manual_seed(seed_of("generator", seed, ids[0], int(draws[first]))),
            **(options or {}),
        )
        if edited.shape != images.shape:
            raise ValueError(f"{editor.name} returned the shape {tuple(edited.shape)} for {tuple(images.shape)}")
        parts.append(to_uint8(edited))
    return np.concatenate(parts)


class TrueEdits:
    """True edits of test images, for the measures of a cell and for methods that need `truth`.

    A true edit is drawn once and kept in a file on disk, which is deleted with this object.

    Args:
        bench: a workbench whose data set has true edits.
        case: the edits of the cell.
        keep: whether to keep drawn edits; False to time the drawing.
    """

    def __init__(self, bench: Workbench, case: Case, *, keep: bool = True) -> None:
        self._bench = bench
        self._batch = bench.settings.batch  # small batches, because cells already run in parallel
        self._keep = keep
        self._shape = (bench.test.image_size, bench.test.image_size, 3)
        self._file = TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._places: dict[_Key, int] = {}
        # Which columns an edit of a source to a target flips, and of whom an edit of an earlier step is.
        self._flipped: dict[tuple[int, bytes], NDArray[np.bool_]] = {}
        self._steps: dict[bytes, tuple[int, _Looks]] = {}
        self._column = None if case.several is not None else case.column
        self._in_a_row = bool(case.earlier)
        for step in case.steps if case.several is not None else ():
            for source, target, flipped in zip(case.sources.tolist(), step.targets, step.flipped, strict=True):
                self._flipped[source, target.tobytes()] = flipped

    def of(self, case: Case) -> NDArray[np.uint8]:
        """The true edits of a case, uint8 (P, H, W, 3), after its last step."""
        looks: list[_Looks] = [() for _ in case.sources]
        for step in case.steps:
            if step.references is not None:
                shown = zip(looks, step.flipped, step.references.tolist(), strict=True)
                looks = [before + self._looks(flipped, reference) for before, flipped, reference in shown]
        return self._edits(case.sources, case.targets, looks)

    def __call__(self, images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        """The true edits of test images given by their pixels; floats in [-1, 1], as in ``Editor.edit``.

        Where a cell edits images several times in a row, the images may be true edits of an earlier step.
        """
        targets = labels.cpu().numpy().astype(np.uint8)
        found = [self._source_of(image) for image in to_uint8(images)]
        sources, looks = np.array([source for source, _ in found], np.int64), [before for _, before in found]
        if reference is not None:
            shown = [self._bench.positions[digest(image)] for image in to_uint8(reference)]
            flipped = [self._flips(source, target) for source, target in zip(sources.tolist(), targets, strict=True)]
            new = [self._looks(columns, one) for columns, one in zip(flipped, shown, strict=True)]
            looks = [before + more for before, more in zip(looks, new, strict=True)]
        edits = self._edits(sources, targets, looks)
        if self._in_a_row:
            for image, source, before in zip(edits, sources.tolist(), looks, strict=True):
                self._steps[digest(image)] = source, before
        return to_float(edits).to(images.device)

    def _source_of(self, image: NDArray[np.uint8]) -> tuple[int, _Looks]:
        """The index of the test image that an image is, or is an earlier true edit of; and the styles that it took."""
        key = digest(image)
        return self._steps[key] if key in self._steps else (self._bench.positions[key], ())

    def _flips(self, source: int, target: NDArray[np.uint8]) -> NDArray[np.bool_]:
        if self._column is not None:
            return np.arange(len(target)) == self._column
        return self._flipped[source, target.tobytes()]

    def _looks(self, flipped: NDArray[np.bool_], reference: int) -> _Looks:
        return tuple((self._bench.attributes[column], reference) for column in np.flatnonzero(flipped).tolist())

    def _edits(
        self, sources: NDArray[np.int64], targets: NDArray[np.uint8], looks: Sequence[_Looks]
    ) -> NDArray[np.uint8]:
        if not self._keep:
            return self._bench.test.true_edit(sources, targets, looks)
        keys = [
            (source, target.tobytes(), shown)
            for source, target, shown in zip(sources.tolist(), targets, looks, strict=True)
        ]
        rows = {key: row for row, key in enumerate(keys) if key not in self._places}  # each edit once
        missing = list(rows.values())
        for start in range(0, len(missing), self._batch):
            some = missing[start : start + self._batch]
            images = self._bench.test.true_edit(sources[some], targets[some], [looks[row] for row in some])
            for row, image in zip(some, images, strict=True):
                self._places[keys[row]] = self._file.seek(0, os.SEEK_END)
                self._file.write(image.tobytes())
        return np.stack([self._read(self._places[key]) for key in keys])

    def _read(self, place: int) -> NDArray[np.uint8]:
        self._file.seek(place)
        return np.frombuffer(self._file.read(math.prod(self._shape)), np.uint8).reshape(self._shape)


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
