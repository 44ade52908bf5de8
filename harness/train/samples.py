"""Sample grids during training: a few validation faces with each attribute flipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bridgebench.harness.data.base import ImageSet
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.editor import Editor
from bridgebench.templates.grids import comparison_grid, png_bytes

_FACES = 6


def write_sample_grid(editor: Editor, faces: ImageSet, path: Path, device: torch.device) -> None:
    """Edits the first faces of a set, one attribute (or one target domain) at a time; writes one PNG per mode.

    The reference of a face is the first other face that has the target value. The latent vectors are the same in every
    call, so that the grids of a run can be compared.

    Args:
        editor: the editor in training.
        faces: images to edit, e.g. the validation split.
        path: path of the PNG; the mode is added to its stem.
        device: device of the editor.
    """
    count = min(_FACES, len(faces))
    pixels = np.asarray(faces.images[np.arange(count)])
    labels = np.asarray(faces.labels[:count])
    for mode in sorted(editor.modes):
        columns = [_pictures(pixels)]
        for attribute in editor.attributes:
            target = editor.space.target(labels, attribute)
            reference = _references(faces, target, attribute) if mode == "reference" else None
            columns.append(_edited(editor, pixels, labels, target, reference, device))
        rows = [(f"face {i + 1}", [column[i] for column in columns]) for i in range(count)]
        grid = comparison_grid(rows, ["source", *editor.attributes])
        write_bytes(path.with_stem(f"{path.stem}-{mode}"), png_bytes(grid))


def _edited(
    editor: Editor,
    pixels: NDArray[np.uint8],
    labels: NDArray,
    target: NDArray,
    reference: NDArray[np.uint8] | None,
    device: torch.device,
) -> list[Image.Image]:
    edits = editor.edit(
        _tensor(pixels, device),
        labels=torch.from_numpy(target.astype(np.float32)).to(device),
        reference=None if reference is None else _tensor(reference, device),
        source_labels=torch.from_numpy(labels.astype(np.float32)).to(device),
        generator=torch.Generator().manual_seed(0),
    )
    return _pictures(edits.add(1).mul(127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def _references(faces: ImageSet, target: NDArray, attribute: str) -> NDArray[np.uint8]:
    column = faces.attributes.index(attribute)
    values = np.asarray(faces.labels)[:, column]
    chosen = [int(np.flatnonzero(values == value)[0]) if (values == value).any() else 0 for value in target[:, column]]
    return np.asarray(faces.images[np.array(chosen)])


def _tensor(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    return torch.from_numpy(pixels.copy()).to(device).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def _pictures(pixels: NDArray[np.uint8]) -> list[Image.Image]:
    return [Image.fromarray(face) for face in pixels]
