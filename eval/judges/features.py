"""Feature spaces for distances and diversity: a name, a dimension, a digest, and a function of uint8 images.

"neutral" is the last hidden layer of a third network, which neither judges an edit nor guides a training; it needs only
the shipped weights. "inception" is the space of the standard FID: clean-fid's resize, then the Inception that clean-fid
takes (`eval.judges.inception`). "inception-imagenet" is the space of StarGAN v2's code, with another resize and another
network. Its distances can be compared with the published ones of AFHQ, but not with any other FID. For another feature
space, write an :class:`Extractor`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bridgebench.eval.judges.backbones import COUNTER
from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier
from bridgebench.eval.judges.inception import FEATURES as INCEPTION_SIZE
from bridgebench.eval.judges.inception import digest_of, load_inception
from bridgebench.eval.judges.inception_official import FILE as INCEPTION_FILE
from bridgebench.eval.judges.reading import half, read
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match
from bridgebench.methods.official.torchscript import is_torchscript

NAMES = ("neutral", "inception", "inception-imagenet")
IMAGENET_FILE = "inception_v3_google-0cc3c7bd.pth"
IMAGENET_URL = f"https://download.pytorch.org/models/{IMAGENET_FILE}"
_BATCH = 32
_IMAGENET_SIDE = 299
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Extractor:
    """A feature space.

    Attributes:
        name: name of the space in profiles.
        title: name of its Fréchet distance in the heads of tables.
        dimension: D, the number of features.
        digest: identifies the weights.
        extract: uint8 images (N, H, W, 3) -> float32 features (N, D).
    """

    name: str
    title: str
    dimension: int
    digest: str
    extract: Callable[[NDArray[np.uint8]], NDArray[np.float32]]

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, D) float32, rounded to half precision, of uint8 images (N, H, W, 3)."""
        return half(self.extract(images))


def load_extractor(
    name: str,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> Extractor:
    """Loads the feature space called `name`.

    Args:
        name: "neutral", "inception" or "inception-imagenet".
        weights: file of the feature network, or of Inception (ours for "inception", torchvision's state dict for
            "inception-imagenet"). None: the folder in which torch keeps its downloads; the feature network has no such
            place. Whatever the file is, it is read as data and never run.
        device: device on which the network runs.

    Raises:
        UserError: the name is unknown, weights are missing, or the file holds other things than these weights. Nothing
            is downloaded.
    """
    if name == "neutral":
        if weights is None:
            raise UserError("The feature space 'neutral' needs a network: make one with `bridgebench train features`.")
        return neutral(load_classifier(weights, device=device))
    if name == "inception":
        return _inception(Path(weights) if weights is not None else inception_path(), device)
    if name == "inception-imagenet":
        return _imagenet_inception(Path(weights) if weights is not None else imagenet_path(), device)
    raise UserError(f"There is no feature space '{name}'; there are {' and '.join(NAMES)}.{did_you_mean(name, NAMES)}")


def neutral(network: AttributeClassifier) -> Extractor:
    """The feature space of a feature network: its last hidden layer."""
    dimension = network.head.in_features
    return Extractor(
        "neutral", "FD (neutral features)", dimension, network.digest, lambda images: read(network, images).features
    )


def inception_path() -> Path:
    """Where Inception's weights file is looked for if a profile names none."""
    return Path(torch.hub.get_dir(), "checkpoints", INCEPTION_FILE).with_suffix(".safetensors")


def imagenet_path() -> Path:
    """The file in which torchvision keeps the Inception that it downloads."""
    return Path(torch.hub.get_dir()) / "checkpoints" / IMAGENET_FILE


def _inception(path: Path, device: torch.device | str) -> Extractor:
    from cleanfid.downloads_helper import inception_url
    from cleanfid.resize import build_resizer

    if not path.is_file():
        raise UserError(
            f"FID needs Inception's weights and there is no file {path}: download {inception_url}, give `bridgebench "
            f"weights import inception {INCEPTION_FILE} --out {inception_path()}`, or name such a file under "
            "weights.inception in the profile; or take evaluation.features = 'neutral', which needs no download."
        )
    if is_torchscript(path):
        raise UserError(
            f"{path} is a TorchScript program, and no program is run that a profile or a run names: give `bridgebench "
            f"weights import inception {path} --out inception.safetensors`, which reads its tensors and runs nothing, "
            "and name that file."
        )
    network = load_inception(path).to(device)
    resize = build_resizer("clean")

    def extract(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        resized = np.stack([resize(np.asarray(image)) for image in images])
        batch = torch.from_numpy(resized).to(device).permute(0, 3, 1, 2)
        return network((batch - 128) / 128).cpu().numpy()

    return Extractor("inception", "FID", INCEPTION_SIZE, digest_of(network), partial(_in_batches, extract))


def _imagenet_inception(path: Path, device: torch.device | str) -> Extractor:
    """torchvision's Inception with the inputs of StarGAN v2's code: Pillow's bilinear resize, ImageNet's mean and std.

    (torchvision's own forward would change these inputs to [-1, 1], the range on which its weights were trained. The
    official metric calls the blocks directly, without this step. To be comparable, this function does the same.)
    """
    from torchvision.models import inception_v3

    if not path.is_file():
        raise UserError(
            f"StarGAN v2's FID needs torchvision's Inception and there is no file {path}: download {IMAGENET_URL} to "
            f"{imagenet_path()}, or name a copy of it under weights.inception-imagenet in the profile; or take "
            "evaluation.features = 'neutral', which needs no download."
        )
    network = inception_v3(weights=None, init_weights=False, transform_input=False).eval()
    expected = {name: value.shape for name, value in network.state_dict().items() if not name.endswith(COUNTER)}
    network.load_state_dict(match(read_torch(path), expected, where=path, optional=[rf".*\.{COUNTER}"]))
    network.fc = torch.nn.Identity()  # in eval mode the output is then the pooled features
    network.to(device)
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (_IMAGENET_MEAN, _IMAGENET_DEVIATION))

    def prepare(image: NDArray[np.uint8]) -> torch.Tensor:
        resized = Image.fromarray(image).resize((_IMAGENET_SIDE, _IMAGENET_SIDE), Image.Resampling.BILINEAR)
        return (torch.from_numpy(np.array(resized)).permute(2, 0, 1) / 255 - mean) / deviation

    def extract(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = torch.stack([prepare(np.asarray(image)) for image in images])
        return network(batch.to(device)).cpu().numpy()

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    title = "FID (StarGAN v2's Inception)"
    return Extractor("inception-imagenet", title, INCEPTION_SIZE, digest, partial(_in_batches, extract))


def _in_batches(
    extract: Callable[[NDArray[np.uint8]], NDArray[np.float32]], images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Features (N, 2048) of images (may be on disk, read slice by slice), written into one array made at the start."""
    features = np.empty((len(images), INCEPTION_SIZE), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            features[start : start + _BATCH] = extract(images[start : start + _BATCH])
    return features
