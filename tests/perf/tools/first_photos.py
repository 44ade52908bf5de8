"""`bridgebench` whose networks compute the first photos alone, so that 20,000 can be measured without a GPU.

``python tests/perf/tools/first_photos.py benchmark ...`` takes the arguments of ``bridgebench``. In each process every
network (editor, judge, feature space) sees its first photos as always, and so is there with all the memory that it
takes, its activations and what the C library keeps of them. For all later photos come random numbers of the same shape
and type; of SSIM, too. Everything that grows with the photos (images, readings, features, edits, distances) is as it
always is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from bridgebench.eval.judges import features as spaces
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.measures import counterfactual, preservation
from bridgebench.eval.measures.preservation import ssim
from bridgebench.methods.editor import Editor

FIRST = 64
_seen: dict[Any, int] = {}


def _is_first(who: Any, count: int) -> bool:
    """Whether `who` has not yet seen its first photos; `count` more come now."""
    seen = _seen.get(who, 0)
    _seen[who] = seen + count
    return seen < FIRST


def _features(extract: Callable[[NDArray], NDArray], images: NDArray) -> NDArray[np.float32]:
    features, random = (
        np.empty((len(images), spaces.INCEPTION_SIZE), np.float32),
        np.random.default_rng(0),
    )
    for start in range(0, len(images), spaces._BATCH):
        batch = images[start : start + spaces._BATCH]
        if _is_first("features", len(batch)):
            with torch.inference_mode():
                features[start : start + len(batch)] = extract(batch)
        else:
            shape = (len(batch), spaces.INCEPTION_SIZE)
            features[start : start + len(batch)] = random.standard_normal(shape, np.float32)
    return features


def _read(judge: AttributeClassifier, images: Tensor) -> tuple[Tensor, Tensor]:
    if _is_first(judge.digest, len(images)):
        return _whole_read(judge, images)
    return torch.randn(len(images), len(judge.attributes)), torch.randn(len(images), judge.head.in_features)


def _edit(editor: Editor, images: Tensor, *arguments: Any, **options: Any) -> Tensor:
    if _is_first(editor.name, len(images)):
        return _whole_edit(editor, images, *arguments, **options)
    return images * 0.9


def _ssim(images: NDArray, others: NDArray) -> NDArray[np.float64]:
    if _is_first("ssim", len(images)):
        return _whole_ssim(images, others)
    return np.random.default_rng(0).random(len(images))


_whole_read, _whole_edit, _whole_ssim = (
    AttributeClassifier.read,
    Editor.edit,
    ssim,
)

if __name__ in ("__main__", "__mp_main__"):  # a worker process loads this file as the latter before its first job
    spaces._in_batches = _features
    preservation.ssim = counterfactual.ssim = _ssim  # type: ignore[assignment]
    AttributeClassifier.read = _read  # type: ignore[assignment, method-assign]
    Editor.edit = _edit  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    from bridgebench.__main__ import run

    run()
