"""Feature spaces for distances and diversity: a name, a dimension, a digest, and a function of uint8 images.

"attributes" is the primary judge's last hidden layer; it needs nothing beyond the shipped weights. "inception" is the
standard FID's: clean-fid's Inception behind clean-fid's resize. Others come in through the same door: an
:class:`Extractor` of one's own.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eval.classifier import FEATURES, AttributeClassifier
from eval.judging import read
from methods.errors import UserError, did_you_mean

NAMES = ("attributes", "inception")
INCEPTION_FILE = "inception-2015-12-05.pt"
INCEPTION_SIZE = 2048
_BATCH = 32


@dataclass(frozen=True)
class Extractor:
    """A feature space.

    Attributes:
        name: what profiles call it.
        title: what a table's head calls a Fréchet distance in it.
        dimension: D.
        digest: names the weights.
        extract: uint8 (N, H, W, 3) -> float32 (N, D).
    """

    name: str
    title: str
    dimension: int
    digest: str
    extract: Callable[[NDArray[np.uint8]], NDArray[np.float32]]

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, D) float32 of uint8 images (N, H, W, 3)."""
        return self.extract(images)


def load_extractor(
    name: str,
    classifier: AttributeClassifier | None = None,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> Extractor:
    """The feature space of that name.

    Args:
        name: "attributes" or "inception".
        classifier: the primary judge, for "attributes".
        weights: Inception's TorchScript file; None: where clean-fid keeps its download.
        device: where Inception runs; the classifier runs where it is.

    Raises:
        UserError: an unknown name, no classifier for "attributes", or no Inception weights. Nothing is downloaded.
    """
    if name == "attributes":
        if classifier is None:
            raise UserError("The feature space 'attributes' needs the attribute classifier; train or name one.")
        return Extractor(
            name,
            "FD (attribute features)",
            FEATURES,
            classifier.digest,
            lambda images: read(classifier, images).features,
        )
    if name == "inception":
        return _inception(Path(weights) if weights is not None else inception_path(), device)
    raise UserError(f"There is no feature space '{name}'; there are {' and '.join(NAMES)}.{did_you_mean(name, NAMES)}")


def inception_path() -> Path:
    """Where clean-fid keeps the Inception that it downloads."""
    return Path("." if platform.system() == "Windows" else "/tmp") / INCEPTION_FILE


def _inception(path: Path, device: torch.device | str) -> Extractor:
    from cleanfid.downloads_helper import inception_url
    from cleanfid.resize import build_resizer

    if not path.is_file():
        raise UserError(
            f"FID needs Inception's weights and there is no file {path}: download {inception_url} to "
            f"{inception_path()}, or name a copy of it under weights.inception in the profile; or take "
            "evaluation.features = 'attributes', which needs no download."
        )
    try:
        layers = torch.jit.load(str(path), map_location=device).eval().layers
    except (RuntimeError, AttributeError) as error:
        raise UserError(
            f"{path} is not clean-fid's Inception ({str(error).splitlines()[0]}); fetch it anew."
        ) from error
    resize = build_resizer("clean")

    def extract(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        batches = []
        for start in range(0, len(images), _BATCH):
            resized = np.stack([resize(np.asarray(image)) for image in images[start : start + _BATCH]])
            batch = torch.from_numpy(resized).to(device).permute(0, 3, 1, 2)
            with torch.inference_mode():
                batches.append(layers((batch - 128) / 128).flatten(1).cpu().numpy())
        return np.concatenate(batches)

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Extractor("inception", "FID", INCEPTION_SIZE, digest, extract)
