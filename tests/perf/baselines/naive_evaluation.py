"""A cell measured the way that scripts of papers do it: a folder of PNGs, a loop a number, clean-fid on two folders.

It finds less than ours does: accuracies and distances alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from cleanfid import fid
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bridgebench.eval.judges.classifier import AttributeClassifier, to_float

BATCH = 64


def save(images: NDArray[np.uint8], folder: Path, values: NDArray[np.uint8], start: int = 0) -> None:
    """Each image as a PNG, in a folder for each value of the attribute."""
    for row, (image, value) in enumerate(zip(images, values, strict=True)):
        place = folder / str(value)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{start + row:06d}.png")


def edit_into(
    folder: Path, sources: NDArray[np.uint8], values: NDArray[np.uint8], edit: Callable[[Tensor, slice], Tensor]
) -> None:
    """Edits batch by batch and saves them, in a folder for each value edited to."""
    for start in range(0, len(sources), BATCH):
        rows = slice(start, start + BATCH)
        with torch.no_grad():
            edited = edit(to_float(sources[rows]), rows)
        levels = ((edited + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        save(levels.permute(0, 2, 3, 1).numpy(), folder, values[rows], start)


def accuracy(folder: Path, judge: AttributeClassifier, column: int) -> float:
    """The share of the images that a judge reads as the value that their folder is named by."""
    right = 0
    files = sorted(folder.glob("*/*.png"))
    target = np.array([int(file.parent.name) for file in files])
    for start in range(0, len(files), BATCH):
        images = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files[start : start + BATCH]])
        with torch.no_grad():
            logits = judge(to_float(images))
        right += int(((logits[:, column] > 0).numpy() == (target[start : start + BATCH] == 1)).sum())
    return right / len(files)


def distance(real: Path, fake: Path, judge: AttributeClassifier, *, kernel: bool = False) -> float:
    """clean-fid on two folders, with the judge's features in the place of Inception's; `kernel`: KID."""

    def extract(batch: Tensor) -> Tensor:
        return judge.features(batch.float() / 127.5 - 1)

    def features(folder: Path) -> NDArray[np.float32]:
        return fid.get_folder_features(
            str(folder), extract, num_workers=0, batch_size=BATCH, device=torch.device("cpu"), mode="clean",
            custom_fn_resize=lambda image: image.astype(np.float32), verbose=False,
        )  # fmt: skip

    measure = fid.kernel_distance if kernel else fid.fid_from_feats
    return float(measure(features(real), features(fake)))
